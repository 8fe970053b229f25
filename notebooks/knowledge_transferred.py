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
# # How much knowledge was transferred?
#
# A student that is like its teacher need not have learned that from it: a twin that never saw the teacher is nearly as like. This notebook
# takes a likeness apart until only what is this very teacher's own is left, and puts it beside what it was worth. It trains small networks
# in under a minute, too few for any verdict. `python analyses/knowledge_transferred.py` does it on real sets with enough seeds;
# `reports/knowledge_transferred.html` holds what was found.

# %%
import tempfile

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

import kdprobe
from kdprobe.testing.gates import dose, specificity

sns.set_theme(style="whitegrid", palette="colorblind", context="notebook", rc={"figure.dpi": 90})

# %% [markdown]
# ## A number with a known answer
#
# A student that is a mixture, 1 - α of an untaught twin and α of the teacher, went the share α of the way. τ, read over pairs of
# *different* twins, says so. The naive share, which subtracts one and the same twin on both sides, counts that twin's noise as movement: of
# a student that was taught nothing it says .5.

# %%
rng = np.random.default_rng(0)
truth = rng.normal(size=(4000, 1))
teacher = truth + rng.normal(size=(4000, 1))
twins = truth + rng.normal(size=(4, 4000, 1))
untaught = truth + rng.normal(size=(4000, 1))
rows = []
for alpha in (0, 0.25, 0.5, 0.75, 1):
    student = (1 - alpha) * untaught + alpha * teacher
    apart = [(student - twin, teacher - twin) for twin in twins]
    naive = sum((s * t).sum() for s, t in apart) / sum((t * t).sum() for _, t in apart)
    found = kdprobe.transfer_coefficient(student, teacher, twins)
    rows.append({"α": alpha, "τ": found.value, "from": found.low, "to": found.high, "naive": naive})
pd.DataFrame(rows).round(2)

# %% [markdown]
# ## A sweep of doses
#
# One teacher size; students with more and more weight on the teacher, students on unlabelled rows, and a ladder of controls that were
# taught nothing of this teacher: other teachers, emptied targets, and untaught networks that are as good.

# %%
plan = kdprobe.TransferPlan(
    tasks=("letters",),
    alphas=(0.25, 0.5, 1.0),
    doses=(4000,),
    seeds=4,
    steps=150,
    teacher_width=32,
    student_widths=(16,),
)
zoo = kdprobe.sweep(plan, tempfile.mkdtemp(prefix="transferred-"))
runs = zoo.runs()
students = runs[runs["role"] == "student"].copy()
loss = runs.set_index("model_id")["nll_calibrated.B"].astype(float)
students["gain"] = loss[students["twin_id"]].to_numpy() - loss[students["model_id"]].to_numpy()
weight = "α = " + students["alpha"].map("{:g}".format)
by_loss = weight.where(students["distiller"] == "kd", students["distiller"])
students["arm"] = by_loss.where(students["scheme"] == "same_rows", students["scheme"])
students["arm"].value_counts(sort=False)

# %% [markdown]
# ## Likeness is no measure of transfer
#
# How often do student and teacher say the same? And the student's twin, which nobody taught? And the student and *siblings*, teachers of
# the same recipe from other seeds, which it never met?

# %%
LIKENESS = "agreement_top1"
full = students[students["arm"] == "transfer_rows"]
pd.DataFrame(
    {
        "student, own teacher": full[f"{LIKENESS}.own"],
        "student, siblings": full[f"{LIKENESS}.siblings"],
        "twin, own teacher": full[f"{LIKENESS}.twin"],
        "twin, siblings": full[f"{LIKENESS}.twin_siblings"],
    }
).astype(float).mean().round(3)

# %% [markdown]
# What may be called this teacher's own is the first less the second, and the same of the twin (the placebo) is taken off it.


# %%
def own_part(likeness):
    """Own teacher minus siblings, less the same of the untaught twin."""
    return (
        students[f"{likeness}.own"]
        - students[f"{likeness}.siblings"]
        - students[f"{likeness}.twin"]
        + students[f"{likeness}.twin_siblings"]
    ).astype(float)


students["amount"] = own_part("transfer_coefficient")
axes = sns.pointplot(data=students, y="arm", x="amount", linestyle="none", errorbar=("ci", 95), seed=0)
axes.axvline(0, color="0.5", linestyle=":")
axes.set(xlabel="τ toward the own teacher − toward siblings, less the twin's", ylabel="")
plt.show()

# %% [markdown]
# ## Amount is not quality
#
# To the right is more of this very teacher, up is better than the untaught twin. Neither follows from the other: a weak teacher moves its
# student and costs it, true labels serve it and move it toward nobody.

# %%
means = students.groupby("arm", sort=False)[["amount", "gain"]].mean()
axes = sns.scatterplot(data=students, x="amount", y="gain", hue="arm", alpha=0.4, legend=False)
sns.scatterplot(data=means, x="amount", y="gain", hue=means.index, s=120, ax=axes)
axes.axhline(0, color="0.5", linestyle=":")
axes.axvline(0, color="0.5", linestyle=":")
axes.set(xlabel="amount (τ, own teacher − siblings)", ylabel="gain over the twin (nats)")
sns.move_legend(axes, "upper left", bbox_to_anchor=(1, 1), title=None)
plt.show()

# %% [markdown]
# ## May a measure be called transfer?
#
# Six gates say so. Two of them can be asked of a sweep: does the measure grow with the dose, and does it stay at nothing for every control?
# With four seeds they refuse to answer, as they should. `kdprobe gates NAME` trains a thousand untaught twins and asks all six, also of a
# measure of your own; `reports/transfer_gates.md` has the table of kdprobe's own measures.

# %%
by_arm = students.pivot(index="seed", columns="arm", values="amount")
doses = ["α = 0.25", "α = 0.5", "α = 1"]
controls = [arm for arm in by_arm if arm not in (*doses, "transfer_rows")]
for gate in (
    dose(by_arm[doses].to_numpy()),
    specificity(by_arm["transfer_rows"].to_numpy(), {arm: by_arm[arm].to_numpy() for arm in controls}),
):
    print(f"{gate.name} {gate.asks} {gate.outcome}: {gate.says}")

# %% [markdown]
# The page of the sweep says all this in sentences with intervals, and where in the classes and layers it arrived:
# `kdprobe sweep --transfer`, then `kdprobe report`.
