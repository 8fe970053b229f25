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
# # A first look at a zoo
#
# A *zoo* is what `kdprobe sweep --gap` leaves behind: teachers of several sizes, students distilled from them, and for every student an
# untaught **twin** (same network, start and number of steps, no teacher). This notebook opens one, plots what a reader wants to know first,
# and compares one student with its teacher.
#
# Set `KDPROBE_ZOO` to the folder of a zoo of yours. Without it a small one is trained here, in seconds: too few seeds for a verdict, enough
# to see how everything is read.

# %%
import os
import tempfile

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns

import kdprobe

sns.set_theme(style="whitegrid", palette="colorblind", context="notebook", rc={"figure.dpi": 90})
folder = os.environ.get("KDPROBE_ZOO")
if folder is None:
    plan = kdprobe.GapPlan(
        schemes=("same_rows", "transfer_rows"), teacher_widths=(4, 16, 64), student_widths=(4,), seeds=4, steps=150, beside={}
    )
    zoo = kdprobe.sweep(plan, tempfile.mkdtemp(prefix="zoo-"))
else:
    zoo = kdprobe.Zoo(folder)
zoo

# %% [markdown]
# ## How they learned
#
# Loss on validation rows while they were trained. Each line is one model; of the students those under the largest teacher are shown.

# %%
models = zoo.models()
largest = models.groupby("task")["teacher_width"].transform("max")
shown = models[(models["role"] == "twin") | (models["teacher_width"] == largest)].copy()
shown["model"] = shown["role"].where(shown["role"] == "twin", "student, " + shown["scheme"].str.replace("_", " "))
curves = (
    zoo.history(list(shown["model_id"])).merge(shown[["model_id", "task", "model", "seed"]], on="model_id").dropna(subset="validation_loss")
)
grid = sns.relplot(
    data=curves, x="step", y="validation_loss", hue="model", units="model_id", estimator=None, col="task", kind="line", linewidth=1,
    facet_kws={"sharex": False, "sharey": False}, height=3, aspect=1.3,
)  # fmt: skip
grid.set_titles("{col_name}").set_axis_labels("step", "loss on validation rows")
plt.show()

# %% [markdown]
# ## Does a larger teacher help?
#
# Each small dot is one seed: its student's loss taken from its own twin's, so that zero means "as good as without a teacher" and above it
# teaching helped. The large marks are means over seeds with 95 % intervals.

# %%
gains = zoo.gains()
gains["regime"] = gains["scheme"].str.replace("_", " ")
gains["student"] = gains["task"] + ", student of " + gains["student_size"].astype(str) + " parameters"
panels = list(gains["student"].unique())
figure, axes = plt.subplots(1, len(panels), figsize=(4.6 * len(panels), 3.2), squeeze=False, layout="constrained")
for place, (axis, panel) in enumerate(zip(axes.flat, panels, strict=True)):
    one = gains[gains["student"] == panel].sort_values("teacher_size").astype({"teacher_size": str})
    how = {"data": one, "x": "teacher_size", "y": "gain", "hue": "regime", "ax": axis}
    sns.stripplot(**how, dodge=True, size=4, alpha=0.5, legend=False)
    sns.pointplot(**how, dodge=0.4, errorbar=("ci", 95), seed=0, markers="D", markersize=5, linewidth=1, legend=not place)
    axis.axhline(0, color="0.3", linestyle=":")
    axis.set(title=panel, xlabel="parameters of the teacher", ylabel="gain over the twin")
figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right center", frameon=False)
axes[0, 0].get_legend().remove()
plt.show()

# %% [markdown]
# ## How much of the likeness was taught?
#
# Students look like their teachers. So do twins that never saw one, and students look as much like *sibling* teachers (same size, another
# seed). Likeness therefore comes in three parts, and only the last was transferred from this very teacher. Each dot is one seed under the
# largest teacher.

# %%
measured = zoo.measurements()
names = {"agreement_top1": "agreement", "r2": "R²", "cka": "CKA"}
asked = measured[measured["probe"].isin(names) & (measured["status"] == "ok")].astype({"value": float})
asked = asked[asked["teacher_width"] == asked.groupby("task")["teacher_width"].transform("max")]
likeness = asked.pivot_table(index=["task", "scheme", "probe", "model_id"], columns="comparison", values="value")
parts = pd.DataFrame(
    {
        "an untaught twin has it": likeness["baseline"],
        "any such teacher gives it": likeness["siblings"] - likeness["baseline"],
        "transferred from this one": (likeness["own"] - likeness["siblings"]) - (likeness["twin"] - likeness["twin_siblings"]),
    }
)
long = parts.reset_index().melt(["task", "scheme", "probe", "model_id"], var_name="part").dropna()
long["measure"] = long["task"] + ", " + long["probe"].map(names)
long["regime"] = long["scheme"].str.replace("_", " ")
grid = sns.catplot(
    data=long, x="value", y="part", hue="regime", col="measure", col_wrap=2, kind="strip", dodge=True, height=2.2, aspect=2.2, alpha=0.7
)
grid.refline(x=0, color="0.3", linestyle=":")
grid.set_titles("{col_name}").set_axis_labels("likeness", "")
plt.show()

# %% [markdown]
# ## One pair, closely
#
# `kdprobe.compare` takes your own torch modules, predictors or arrays of outputs, and any data loader. Here: a student, its teacher, and
# the twins of all seeds, on the second half of the probe rows.

# %%
student = models[(models["role"] == "student") & (models["task"] == "letters")].iloc[-1]
twins = models[(models["role"] == "twin") & (models["task"] == "letters") & (models["width"] == student["width"])]
rows = zoo.split(student["data"]).probe_b
comparison = kdprobe.compare(
    zoo.module(student["teacher_id"]),
    zoo.module(student["model_id"]),
    (rows.x, rows.y),
    task="classification",
    twins=[zoo.module(model) for model in twins["model_id"]],
)
comparison

# %% [markdown]
# ## Everything else
#
# `zoo.runs()` is one wide row a model, `comparison.to_frame()` one row a measure, and `kdprobe.report(zoo, "report.html")` writes the page
# that answers.
