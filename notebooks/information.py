# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3

# %% [markdown]
# # What arrived, what was left behind, and when there is no number
#
# "How much knowledge was transferred?" can be asked in nats: how much of what the teacher knows about the target can be read out of the
# student? This notebook answers it where it can be answered, and shows what kdprobe says where it cannot.

# %%
import numpy as np

import kdprobe

rng = np.random.default_rng(0)
n = 2_000

# %% [markdown]
# ## A case whose answer is known
#
# The target is a number, the teacher sees it through noise, the student sees the *teacher* through more noise. So the student can hold
# nothing that the teacher lacks: its own part is zero in truth, and everything it knows came from the teacher.

# %%
target = rng.normal(size=n)
teacher = target + rng.normal(size=n)
student = teacher + rng.normal(size=n)
parts = kdprobe.information_decomposition(teacher, student, target, task="regression")
parts

# %% [markdown]
# With variances 1, 2 and 3 the exact answers are ½ log 2 = 0.347 nats for the teacher and ½ log 1.5 = 0.203 for the student, and 0.144 was
# left behind. *Redundant* information is transferred knowledge in the sense of Dissanayake et al. (2025); it is given as an interval,
# because information alone does not fix it.

# %%
{"teacher": (parts.teacher.value, np.log(2) / 2), "student": (parts.student.value, np.log(1.5) / 2)}

# %% [markdown]
# ## A student that learned elsewhere
#
# An untaught network that knows as much is told apart: now a part is its own.

# %%
untaught = target + np.sqrt(2) * rng.normal(size=n)
kdprobe.information_decomposition(teacher, untaught, target, task="regression")

# %% [markdown]
# ## Classes, and over-confidence
#
# Usable information of logits is what a classifier can make of them on new rows, after one temperature that is fitted on other rows.
# Doubling the logits therefore moves nothing; a plug-in estimate from the over-confident probabilities would.

# %%
labels = rng.integers(0, 5, n)
logits = 2 * np.eye(5)[labels] + rng.normal(size=(n, 5))
calm = kdprobe.usable_information(logits, labels, task="classification")
loud = kdprobe.usable_information(2 * logits, labels, task="classification")
{"logits": round(calm.value, 3), "doubled": round(loud.value, 3)}

# %% [markdown]
# ## When there is no number
#
# A student that is an exact function of its teacher holds *infinite* information about it, so any finite estimate would only measure the
# sample size. kdprobe refuses, and says what to ask instead.

# %%
kdprobe.mutual_information(teacher, np.tanh(teacher))

# %% [markdown]
# In many dimensions no estimator can be trusted alone: the answer is a bracket, from a lower bound that holds on rows the critic did not
# see to the value of a Gaussian model.

# %%
wide = rng.normal(size=(n, 32))
noisy = wide @ rng.normal(size=(32, 32)) / 6 + rng.normal(size=(n, 32))
bracket = kdprobe.mutual_information(wide, noisy)
bracket
