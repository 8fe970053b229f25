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
# ---

# %% [markdown]
# # What arrived, what was left behind, and when there is no number
#
# "How much knowledge was transferred?" can be asked in nats: how much of what the teacher knows about the target can be read out of the
# student? This notebook answers it where it can be answered, and shows what kdprobe says where it cannot.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

import kdprobe

sns.set_theme(style="whitegrid", palette="colorblind", context="notebook", rc={"figure.dpi": 90})
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
#
# ## A student that learned elsewhere
#
# An untaught network that knows as much is told apart: now a part is its own. Points are estimates with their 95 % intervals, lines the
# exact answers.

# %%
untaught = target + np.sqrt(2) * rng.normal(size=n)
elsewhere = kdprobe.information_decomposition(teacher, untaught, target, task="regression")
both = np.log(1 + 1 + 1 / 2) / 2  # of two independent looks at one target the precisions add up
truths = {
    "taught by this teacher": (
        parts,
        {"teacher": np.log(2) / 2, "student": np.log(1.5) / 2, "left behind": np.log(4 / 3) / 2, "its own": 0.0},
    ),
    "learned elsewhere": (
        elsewhere,
        {"teacher": np.log(2) / 2, "student": np.log(1.5) / 2, "left behind": both - np.log(1.5) / 2, "its own": both - np.log(2) / 2},
    ),
}
figure, axes = plt.subplots(1, 2, figsize=(9, 2.8), sharex=True, sharey=True, layout="constrained")
for axis, (title, (found, exact)) in zip(axes, truths.items(), strict=True):
    estimates = [found.teacher, found.student, found.left_behind, found.own]
    for place, (one, truth) in enumerate(zip(estimates, exact.values(), strict=True)):
        axis.plot([one.low, one.high], [place, place], color="C0", linewidth=2)
        axis.plot(one.value, place, "o", color="C0")
        axis.vlines(truth, place - 0.35, place + 0.35, color="0.2")
    axis.set(title=title, yticks=range(4), yticklabels=list(exact), xlabel="nats about the target")
axes[0].invert_yaxis()
plt.show()

# %% [markdown]
# ## Classes, and over-confidence
#
# Usable information of logits is what a classifier can make of them on new rows, after one temperature that is fitted on other rows.
# Doubling the logits therefore moves nothing; a plug-in estimate from the over-confident probabilities would.

# %%
labels = rng.integers(0, 5, n)
logits = 2 * np.eye(5)[labels] + rng.normal(size=(n, 5))
loudness = (0.5, 1, 2, 4, 8)


def plug_in(values):
    """What the probabilities claim as they are: the entropy of the classes less the mean loss."""
    log_probabilities = values - np.logaddexp.reduce(values, axis=1, keepdims=True)
    return np.log(5) + log_probabilities[np.arange(n), labels].mean()


usable = [kdprobe.usable_information(scale * logits, labels, task="classification") for scale in loudness]
table = pd.DataFrame(
    {"logits times": loudness, "usable": [one.value for one in usable], "plug-in": [plug_in(s * logits) for s in loudness]}
)
figure, axis = plt.subplots(figsize=(5.5, 2.8), layout="constrained")
sns.lineplot(
    data=table.melt("logits times", var_name="estimate", value_name="nats"), x="logits times", y="nats", hue="estimate", marker="o", ax=axis
)
axis.set_xscale("log", base=2)
axis.set(xticks=loudness, xticklabels=loudness)
plt.show()

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
