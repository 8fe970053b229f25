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
# # When does distillation help a regression?
#
# For regression there are theorems, and they say when a teacher helps before anything is trained. This notebook asks them of data, draws
# what they say, and puts one prediction beside a sweep. `python analyses/regression_theory.py` does it with enough seeds and on nine real
# sets; `reports/regression_theory.html` holds what was found.

# %%
import math
import tempfile

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from sklearn.datasets import load_diabetes

import kdprobe

# %% [markdown]
# ## Ask it of your own rows
#
# `advise` checks what each theorem takes for granted, and predicts with an interval. Where an assumption fails, it says so and no more.

# %%
X, y = load_diabetes(return_X_y=True)
print(kdprobe.theory.advise(X, y, unlabelled=5000, student=2).sentence)

# %%
rng = np.random.default_rng(0)
x = rng.normal(size=(300, 12))
advice = kdprobe.theory.advise(x, x @ (3 * np.arange(1, 13) ** -0.5) + rng.normal(size=300), unlabelled=5000, student=3, order="columns")
print(advice.sentence)
pd.DataFrame(
    [
        {"teacher's features": one.teacher, "share gained": one.share.value, "from": one.share.low, "to": one.share.high}
        for one in advice.first.sizes
    ]
)

# %% [markdown]
# ## Where does a larger teacher help?
#
# The nested least-squares law is exact. Above the line a student of 5 features loses by a teacher of 20, below it it gains: more noise on
# the labels makes distillation worse, more rows that the teacher labels make it better.

# %%
beta = np.sqrt([1.0] * 5 + [0.2] * 15)
rows, noise = np.geomspace(15, 2000, 40), np.linspace(0.05, 8, 40)


def gain(sigma2, m):
    law = kdprobe.theory.nested_ols(beta, sigma2, n=40, p=5, q=20, m=m)
    return 1 - law.student / law.twin


gains = np.clip([[gain(sigma2, m) for m in rows] for sigma2 in noise], -1, 1)
figure, axes = plt.subplots(figsize=(5, 3.2))
shades = axes.contourf(rows, noise, gains, levels=np.linspace(-1, 1, 11), cmap="RdBu")
axes.contour(rows, noise, gains, levels=[0], colors="black")
axes.set(xscale="log", xlabel="rows that the teacher labels", ylabel="label noise σ²")
figure.colorbar(shades, label="share of the twin's excess risk gained")
threshold = kdprobe.theory.noise_threshold(beta, n=40, p=5, q=20, m=math.inf)
axes.axhline(threshold.noise, color="0.4", linestyle=":")
plt.show()

# %% [markdown]
# ## Distil a ridge into itself
#
# The risk is a parabola in the teacher's weight ξ. Its least value is at a positive ξ where λ is too small, at a negative one where λ is
# too large, and at the best λ nothing is gained.

# %%
d, b, sigma2 = np.array([4, 2, 1, 0.5]), np.array([9, 4, 1, 0.25]), 2.0
weights = np.linspace(-1, 2, 61)
pieces = []
for ridge in (0.2, 1.0, 5.0):
    s = d / (d + ridge)
    shrink = s - weights[:, None] * s * (1 - s)
    risk = (1 - shrink) ** 2 @ b + sigma2 * (shrink**2).sum(axis=1)
    best = kdprobe.theory.ridge_self_distillation(d, b, sigma2, ridge)
    pieces.append(pd.DataFrame({"ξ": weights, "risk": risk, "ridge": f"λ={ridge:g}, ξ*={best.mixing:.2f}"}))
sns.relplot(data=pd.concat(pieces), x="ξ", y="risk", hue="ridge", kind="line", palette="colorblind", height=3, aspect=1.4)
plt.show()

# %% [markdown]
# ## There is no dark knowledge in a regressor's output
#
# Under squared error, mixing losses is mixing labels. So on labelled rows a student of least squares is its twin, whatever is mixed, though
# it agrees with its teacher, as the twin does.

# %%
rng = np.random.default_rng(0)
x = rng.normal(size=(80, 20))
labels = x @ np.arange(1, 21) ** -0.75 + 0.5 * rng.normal(size=80)


def fit(columns, target):
    return np.linalg.lstsq(x[:, :columns], target, rcond=None)[0]


teacher, twin = fit(14, labels), fit(4, labels)
student = fit(4, kdprobe.theory.relabelled(labels, x[:, :14] @ teacher, alpha=0.7).targets)
print("largest difference of student and twin:", f"{np.abs(student - twin).max():.0e}")

# %% [markdown]
# ## A prediction that was made before
#
# A regression sweep asks the law before its first model, on the rows that models learn from, and seals the answer with the plan.

# %%
plan = kdprobe.GapPlan(
    tasks=("nested_ols",),
    family="nested_linear",
    schemes=("transfer_rows",),
    teacher_widths=(4, 8, 14, 26, 40),
    student_widths=(4,),
    seeds=20,
    beside={},
)
zoo = kdprobe.sweep(plan, tempfile.mkdtemp(prefix="zoo-"), similarity=False)
(entry,) = zoo.provenance()["predicted"]["entries"]
told = pd.DataFrame([[one["width"], *one["gain"]] for one in entry["teachers"]], columns=["width", "value", "low", "high"])
axes = sns.lineplot(data=zoo.gains(), x="teacher_size", y="gain", marker="o", errorbar=("ci", 95), seed=0, label="found")
axes.plot(told["width"], told["value"], color="C1", label="predicted before")
axes.fill_between(told["width"], told["low"], told["high"], color="C1", alpha=0.2)
axes.axhline(0, color="0.5", linestyle=":")
axes.set(xlabel="features of the teacher", ylabel="gain over the twin (target variances)")
axes.legend()
plt.show()
