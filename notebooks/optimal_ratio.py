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
# # How large should the teacher be?
#
# There is no one ratio of teacher to student size. What is best depends on the rows, on how the student is taught and on how the teacher
# was trained; so ask it of your own data, under settings that you would choose among. This notebook does that on a small tier, in well
# under a minute; `python analyses/optimal_ratio.py` does it with enough seeds, and `reports/optimal_ratio.html` holds what was found.

# %%
import math
import tempfile

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

import kdprobe

# %% [markdown]
# ## A sweep with axes
#
# Whatever a `GapPlan` calls an axis may be a list. Each combination is a setting of its own on the same seeds, and fewer rows are the
# first of more. What `tune` names is chosen for each teacher size, by the loss on validation rows of seeds that are in no result.

# %%
plan = kdprobe.GapPlan(
    tasks=("letters",),
    teacher_widths=(4, 16, 64),
    student_widths=(8,),
    seeds=8,
    steps=200,
    transfer_rows=(300, 8000),
    temperature=(1, 4),
    tune=("temperature",),
    tune_seeds=2,
    beside={},
)
zoo = kdprobe.sweep(plan, tempfile.mkdtemp(prefix="zoo-"), similarity=False)
gains = zoo.gains(metric="nll_calibrated")
gains.head()

# %% [markdown]
# ## Gains under every setting
#
# Gains over the paired, untaught twin: calibrated negative log-likelihood, in nats. One temperature a model is fitted on validation rows,
# so that over-confidence which a student took over from its teacher counts for nothing.

# %%
gains["setting"] = gains["scheme"].str.replace("_", " ") + gains["unlabelled_rows"].map(" m={:.0f}".format, na_action="ignore").fillna("")
gains["ratio"] = gains["teacher_size"].astype(float) / gains["student_size"]
grid = sns.relplot(
    data=gains,
    x="ratio",
    y="gain",
    hue="temperature",
    col="setting",
    kind="line",
    marker="o",
    errorbar=("ci", 95),
    seed=0,
    palette="colorblind",
    height=2.6,
)
grid.set(xscale="log", xlabel="teacher size / student size", ylabel="gain over the twin (nats)")
grid.set_titles("{col_name}")
grid.refline(y=0, color="0.5", linestyle=":")
plt.show()

# %% [markdown]
# ## A verdict for each setting
#
# `capacity_gap` decides whether a smaller teacher serves better than the largest one. Each combination of the columns in `by` is a setting
# of its own, and their p values are adjusted for being read together. `best_sizes` is a 95 % set: it is no estimate of one best size.

# %%
settings = ["scheme", "unlabelled_rows", "temperature"]
fixed = kdprobe.capacity_gap(gains, by=settings, unit="nats")
fixed

# %%
tuned = zoo.gains(metric="nll_calibrated", tune=["temperature"])
kdprobe.capacity_gap(tuned, by=["scheme", "unlabelled_rows"], unit="nats")

# %%
pd.DataFrame(
    [
        {"setting": setting, "verdict": found.verdict, "best sizes": found.best_sizes, "the largest costs": str(found.details["deficit"])}
        for setting, found in fixed.by_setting.items()
    ]
)

# %% [markdown]
# ## Where the answer is known
#
# In nested least squares everything is known exactly: a teacher of q features labels m rows for a student of p features. The best ratio
# q/p is set by the rows and by the noise.

# %%
beta = np.arange(1, 61) ** -0.75
sizes = range(4, 60)
exact = pd.DataFrame(
    {
        f"m={m:g}, noise {noise:g}": [kdprobe.theory.nested_ols(beta, noise, n=80, p=4, q=q, m=m).student for q in sizes]
        for m in (20, 160, math.inf)
        for noise in (0.25, 1.0)
    },
    index=pd.Index([q / 4 for q in sizes], name="teacher size / student size"),
)
exact.idxmin().rename("best ratio").to_frame()
