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
# was trained; so ask it of your own data, under settings that you would choose among. This notebook does that on a small tier, in seconds;
# `python analyses/optimal_ratio.py` does it with enough seeds, and `reports/optimal_ratio.html` holds what was found.

# %%
import math
import tempfile

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

import kdprobe

sns.set_theme(style="whitegrid", palette="colorblind", context="notebook", rc={"figure.dpi": 90})

# %% [markdown]
# ## A sweep with axes
#
# Whatever a `GapPlan` calls an axis may be a list. Each combination is a setting of its own on the same seeds, and fewer rows are the
# first of more. What `tune` names is chosen for each teacher size, by the loss on validation rows of seeds that are in no result.

# %%
plan = kdprobe.GapPlan(
    tasks=("letters",),
    schemes=("same_rows", "transfer_rows"),
    teacher_widths=(4, 16, 64),
    student_widths=(8,),
    seeds=8,
    steps=100,
    transfer_rows=(300, 8000),
    temperature=(1, 4),
    tune=("temperature",),
    tune_seeds=2,
    beside={},
)
zoo = kdprobe.sweep(plan, tempfile.mkdtemp(prefix="zoo-"), similarity=False)
gains = zoo.gains(metric="nll_calibrated")
gains.head(3)

# %% [markdown]
# ## Gains under every setting
#
# Gains over the paired, untaught twin: calibrated negative log-likelihood, in nats. One temperature a model is fitted on validation rows,
# so that over-confidence which a student took over from its teacher counts for nothing. Small dots are seeds, large marks their means with
# 95 % intervals.

# %%
rows = gains["unlabelled_rows"].map("{:,.0f} unlabelled rows".format, na_action="ignore").fillna("the teacher's labelled rows")
gains["setting"], gains["T"] = rows, gains["temperature"].map("{:g}".format)
gains["ratio"] = (gains["teacher_size"].astype(float) / gains["student_size"]).map("{:.1f}".format)
grid = sns.catplot(
    data=gains, x="ratio", y="gain", hue="T", col="setting", kind="strip", dodge=True, size=4, alpha=0.5, legend=False, height=3, aspect=1.1
)
grid.map_dataframe(
    sns.pointplot, x="ratio", y="gain", hue="T", dodge=0.4, errorbar=("ci", 95), seed=0, palette="colorblind", markers="D", markersize=5,
    linewidth=1,
)  # fmt: skip
grid.add_legend(title="T")
grid.set_titles("{col_name}").set_axis_labels("teacher size / student size", "gain over the twin (nats)")
grid.refline(y=0, color="0.3", linestyle=":")
plt.show()

# %% [markdown]
# ## A verdict for each setting
#
# `capacity_gap` decides whether a smaller teacher serves better than the largest one. Each combination of the columns in `by` is a setting
# of its own, and their p values are adjusted for being read together. The picture has what the largest teacher costs the student against
# the best smaller one, with its 95 % interval: right of zero the smaller one serves better. The word is beside it.

# %%
fixed = kdprobe.capacity_gap(gains, by=["setting", "T"], unit="nats")
tuned = zoo.gains(metric="nll_calibrated", tune=["temperature"])
rows = tuned["unlabelled_rows"].map("{:,.0f} unlabelled rows".format, na_action="ignore").fillna("the teacher's labelled rows")
chosen = kdprobe.capacity_gap(tuned.assign(setting=rows), by=["setting"], unit="nats")
found = {f"{setting}, T = {t}": verdict for (setting, t), verdict in fixed.by_setting.items()}
found |= {f"{setting}, T chosen": verdict for (setting,), verdict in chosen.by_setting.items()}

figure, axis = plt.subplots(figsize=(8, 0.42 * len(found) + 0.9), layout="constrained")
for place, verdict in enumerate(found.values()):
    cost = verdict.details["deficit"]
    axis.plot([cost.low, cost.high], [place, place], color="C0", linewidth=2)
    axis.plot(cost.value, place, "D", color="C0", markersize=5)
    axis.annotate(f"  {verdict.verdict}", (1, place), xycoords=("axes fraction", "data"), va="center", fontsize=9)
axis.axvline(0, color="0.3", linestyle=":")
axis.set(yticks=range(len(found)), yticklabels=list(found), xlabel="what the largest teacher costs (nats)")
axis.invert_yaxis()
plt.show()

# %% [markdown]
# `best_sizes` is a set that holds the best size with 95 %: it is no estimate of one best size.

# %%
fixed

# %% [markdown]
# ## Where the answer is known
#
# In nested least squares everything is known exactly: a teacher of q features labels m rows for a student of p = 4 features. The best ratio
# q/p, marked, is set by the rows and by the noise.

# %%
beta = np.arange(1, 61) ** -0.75
sizes = range(4, 60, 2)
exact = pd.DataFrame(
    [
        {
            "ratio": q / 4, "rows": "endless rows" if m == math.inf else f"{m:,} rows", "noise": f"{noise:g}",
            "risk": kdprobe.theory.nested_ols(beta, noise, n=80, p=4, q=q, m=m).student,
        }
        for m in (20, 160, math.inf) for noise in (0.25, 1.0) for q in sizes
    ]
)  # fmt: skip
grid = sns.relplot(data=exact, x="ratio", y="risk", hue="noise", col="rows", kind="line", height=3, aspect=1, facet_kws={"sharey": False})
for (rows, _), best in exact.loc[exact.groupby(["rows", "noise"])["risk"].idxmin()].set_index(["rows", "noise"]).iterrows():
    grid.axes_dict[rows].plot(best["ratio"], best["risk"], "o", color="0.2", markersize=6)
grid.set_titles("{col_name}").set_axis_labels("teacher size / student size", "the student's excess risk")
plt.show()
