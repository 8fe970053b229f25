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
# A *zoo* is what `kdprobe sweep --gap` leaves behind: teachers of many sizes, students distilled from them, and for every student an
# untaught **twin** (same network, rows, initialisation and batch order, no teacher). This notebook opens one, plots what a reader wants to
# know first, and compares one student with its teacher.
#
# Set `KDPROBE_ZOO` to the folder of a zoo of yours. Without it a small one is trained here, in about a minute: too few seeds for a
# verdict, enough to see how everything is read.

# %%
import os
import tempfile

import matplotlib.pyplot as plt
import seaborn as sns

import kdprobe

folder = os.environ.get("KDPROBE_ZOO")
if folder is None:
    plan = kdprobe.GapPlan(teacher_widths=(4, 16, 64), student_widths=(4,), seeds=4, steps=300, beside={})
    zoo = kdprobe.sweep(plan, tempfile.mkdtemp(prefix="zoo-"))
else:
    zoo = kdprobe.Zoo(folder)
zoo

# %% [markdown]
# ## Does a larger teacher help?
#
# Each dot is one seed: the student's score less its own twin's, so zero means "as good as without a teacher". The line joins the means.

# %%
measured = zoo.measurements()
gains = measured[(measured["probe"] == "gain") & (measured["status"] == "ok")].astype({"value": float})
grid = sns.relplot(
    data=gains,
    x="teacher_size",
    y="value",
    hue="scheme",
    row="task",
    col="student_size",
    kind="line",
    marker="o",
    errorbar=("ci", 95),
    seed=0,
    facet_kws={"sharey": "row", "sharex": False},
    height=2.6,
    aspect=1.5,
)
grid.set(xscale="log")
grid.refline(y=0, color="0.5", linestyle=":")
grid.set_axis_labels("parameters of the teacher", "gain over the twin")
plt.show()

# %% [markdown]
# ## How much of the likeness was taught?
#
# Students look like their teachers. So do twins that never saw one, and students look as much like *sibling* teachers (same size, another
# seed). Only what exceeds the siblings, and more so than for the untaught twin, was transferred from this very teacher.

# %%
likeness = measured[measured["probe"].isin(["agreement_top1", "r2", "cka"]) & (measured["status"] == "ok")].astype({"value": float})
table = likeness.pivot_table(index=["task", "scheme", "probe", "teacher_width"], columns="comparison", values="value")
table["shared with any such teacher"] = table["siblings"] - table["baseline"]
table["transferred from this teacher"] = (table["own"] - table["siblings"]) - (table["twin"] - table["twin_siblings"])
table.round(3)

# %% [markdown]
# ## One pair, closely
#
# `kdprobe.compare` takes your own torch modules, predictors or arrays of outputs, and any data loader. Here: a student, its teacher, and
# the twins of all seeds, on the second half of the probe rows.

# %%
models = zoo.models()
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

# %%
comparison.to_frame()

# %% [markdown]
# ## Everything else
#
# `zoo.runs()` is one wide row a model, `zoo.history()` the training curves, `kdprobe.report(zoo, "report.html")` the page that answers.

# %%
zoo.runs().groupby(["task", "role", "width"])[["nll.B", "nll_calibrated.B", "accuracy.B", "mse.B", "r2.B"]].mean().round(3)
