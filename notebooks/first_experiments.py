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
# # The survey's first experiments
#
# One teacher's logits; then its hidden layers too; then three teachers at once. Each on the teacher's own labelled rows, and on rows that
# nobody has labelled. Every student is read beside its **twin**: the same network with the same start, batches and steps, and no teacher.
#
# `analyses/first_experiments.py` asks this of Fashion-MNIST with ten seeds, and `reports/first_experiments.md` says what came out. Here you
# can turn the knobs. As it stands it takes seconds, which is too little for any verdict; for the real thing set `KDPROBE_TASK` to
# `fashion_mnist` and `KDPROBE_SEEDS` to 10.

# %%
import os
import tempfile

import matplotlib.pyplot as plt
import seaborn as sns

import kdprobe

task = os.environ.get("KDPROBE_TASK", "letters")
seeds = int(os.environ.get("KDPROBE_SEEDS", "3"))
small = {"teacher_width": 16, "student_widths": (4,), "steps": 100} if task == "letters" else {}
plan = kdprobe.KnowledgePlan(
    tasks=(task,),
    schemes=("same_rows", "transfer_rows", "multi_teacher", "multi_teacher_transfer"),
    distillers=("kd", "hint", "attention"),
    alphas=(0.5,),
    seeds=seeds,
    **small,
)

# %% [markdown]
# Not everything has a meaning everywhere. The plan says what it leaves out before anything is trained: three teachers have no hidden layer
# in common, and a perceptron has no places to attend to.

# %%
for left_out in plan.refused:
    print(f"{left_out.distiller}, {left_out.scheme}: {left_out.reason}")

# %%
zoo = kdprobe.sweep(plan, tempfile.mkdtemp(prefix="first-"))
zoo

# %% [markdown]
# ## Does it help?
#
# Each dot is a seed: the student's score less its own twin's. Left of zero the student would have done better without a teacher. Calibrated
# means: after one temperature for each model, fitted on validation rows, so that over-confidence is not counted.

# %%
gains = zoo.gains(metric="nll_calibrated")
gains["arm"] = gains["scheme"].str.replace("_", " ") + ", " + gains["distiller"]
grid = sns.catplot(data=gains, x="gain", y="arm", hue="distiller", kind="strip", jitter=False, height=3.2, aspect=2, alpha=0.6)
sns.pointplot(
    data=gains, x="gain", y="arm", hue="arm", palette="dark:black", marker="|", errorbar=("ci", 95), seed=0, linestyle="none", ax=grid.ax,
    legend=False,
)  # fmt: skip
grid.refline(x=0, color="0.5", linestyle=":")
grid.set_axis_labels("gain over the twin, NLL after calibration", "")
plt.show()

# %% [markdown]
# ## Is it this teacher's?
#
# A twin agrees with the teacher often, too, and a student agrees with *sibling* teachers of the same recipe. Only what is left when both
# are taken away came from this very teacher. For three teachers this is the first of them.

# %%
measured = zoo.measurements()
agree = measured[(measured["probe"] == "agreement_top1") & (measured["status"] == "ok")].astype({"value": float})
table = agree.pivot_table(index=["scheme", "distiller"], columns="comparison", values="value")
table["shared with any such teacher"] = table["siblings"] - table["baseline"]
table["this teacher's own"] = (table["own"] - table["siblings"]) - (table["twin"] - table["twin_siblings"])
table.drop(columns=["twin", "twin_siblings"]).round(3)

# %% [markdown]
# `kdprobe.report(zoo, "first_experiments.html")` writes the verdicts with their intervals, and where every number comes from.
