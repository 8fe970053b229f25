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
# nobody has labelled. Every student is read beside its **twin**: the same network with the same start, the same number of steps, and no
# teacher.
#
# `analyses/first_experiments.py` asks this of Fashion-MNIST with ten seeds, and `reports/first_experiments.md` says what came out. Here you
# can turn the knobs. As it stands it takes seconds, which is too little for any verdict; for the real thing set `KDPROBE_TASK` to
# `fashion_mnist` and `KDPROBE_SEEDS` to 10.

# %%
import os
import tempfile

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns

import kdprobe

sns.set_theme(style="whitegrid", palette="colorblind", context="notebook", rc={"figure.dpi": 90})
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
# Each dot is one student: its twin's loss less its own, so that right of zero teaching helped. Dots of one row are seeds, the bar is their
# mean with a 95 % interval. Calibrated means: after one temperature for each model, fitted on validation rows, so that over-confidence is
# not counted.

# %%
gains = zoo.gains(metric="nll_calibrated")
gains["arm"] = gains["scheme"].str.replace("_", " ") + ", " + gains["distiller"]
figure, axis = plt.subplots(figsize=(8, 0.45 * gains["arm"].nunique() + 0.9), layout="constrained")
sns.stripplot(data=gains, x="gain", y="arm", hue="distiller", jitter=False, alpha=0.6, ax=axis)
sns.pointplot(data=gains, x="gain", y="arm", color="0.2", marker="|", markersize=14, errorbar=("ci", 95), seed=0, linestyle="none", ax=axis)
axis.axvline(0, color="0.3", linestyle=":")
axis.set(xlabel="gain over the twin, NLL after calibration (nats)", ylabel="")
plt.show()

# %% [markdown]
# ## Is it this teacher's?
#
# A twin agrees with the teacher often, too, and a student agrees with *sibling* teachers of the same recipe. Only what is left when both
# are taken away came from this very teacher: the last panel. Each dot is one student; for three teachers this is the first of them. Own
# answers and self pseudo labels are controls, which their own twin taught in the teacher's place.

# %%
measured = zoo.measurements()
agree = measured[(measured["probe"] == "agreement_top1") & (measured["status"] == "ok")].astype({"value": float})
likeness = agree.pivot_table(index=["scheme", "distiller", "model_id"], columns="comparison", values="value")
parts = pd.DataFrame(
    {
        "an untaught twin agrees": likeness["baseline"],
        "shared with any such teacher": likeness["siblings"] - likeness["baseline"],
        "this teacher's own": (likeness["own"] - likeness["siblings"]) - (likeness["twin"] - likeness["twin_siblings"]),
    }
)
long = parts.reset_index().melt(["scheme", "distiller", "model_id"], var_name="part", value_name="agreement")
long["arm"] = long["scheme"].str.replace("_", " ") + ", " + long["distiller"]
grid = sns.catplot(
    data=long, x="agreement", y="arm", hue="distiller", col="part", kind="strip", jitter=False, alpha=0.7, height=3, aspect=1.1,
    sharex=False,
)  # fmt: skip
for name, axis in grid.axes_dict.items():
    axis.locator_params(axis="x", nbins=4)
    if name != "an untaught twin agrees":
        axis.axvline(0, color="0.3", linestyle=":")
grid.set_titles("{col_name}").set_axis_labels("share of the rows", "")
plt.show()

# %% [markdown]
# `kdprobe.report(zoo, "first_experiments.html")` writes the verdicts with their intervals, and where every number comes from.
