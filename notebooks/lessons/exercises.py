# %% [markdown] lang="en"
# # Exercises
#
# *Every coding exercise on one page.* Each can be done on its own: fill the stub, run it, then run the cell below it. `hint("name")` has three hints, `solution("name")` the reference and what an interviewer asks next.
#
# Rather in your own editor? `python -m kd_study exercise kd_loss > kd_loss.py`, and then `python -m kd_study check kd_loss.py`.
# %% [markdown] lang="zh"
# # 练习
#
# *全部编程练习都在这一页。* 每道题都可以单独做：填好框架，运行，再运行下面的单元格。`hint("name")`有三条提示，`solution("name")`给出参考答案，以及面试官接下来会问什么。
#
# 想用自己的编辑器？`python -m kd_study exercise kd_loss > kd_loss.py`，写完后`python -m kd_study check kd_loss.py`。

# %%
from kd_study import exercise_table

exercise_table()

# %% [markdown] lang="en"
# ## Response
# %% [markdown] lang="zh"
# ## 基于响应

# %% exercise="soft_targets"

# %% exercise="soft_cross_entropy"

# %% exercise="distillation_kl"

# %% exercise="kd_loss"

# %% exercise="kd_gradient"

# %% exercise="logit_mse"

# %% exercise="dkd_loss"

# %% exercise="dist_loss"

# %% exercise="smooth_labels"

# %% exercise="average_teachers"

# %% [markdown] lang="en"
# ## The loop
# %% [markdown] lang="zh"
# ## 训练循环

# %% exercise="freeze"

# %% exercise="distill_step"

# %% exercise="train_student_model"

# %% exercise="repair_the_loop"

# %% exercise="cache_teacher"

# %% exercise="masked_kd"

# %% exercise="accumulated_kd"

# %% exercise="top_k_kd"

# %% [markdown] lang="en"
# ## Features
# %% [markdown] lang="zh"
# ## 基于特征

# %% exercise="hint_loss"

# %% exercise="attention_transfer"

# %% exercise="rkd_distance"

# %% exercise="rkd_angle"

# %% exercise="similarity_preserving"

# %% exercise="minilm_relation"

# %% exercise="layer_map"

# %% exercise="contrastive_kd"

# %% [markdown] lang="en"
# ## Across languages
# %% [markdown] lang="zh"
# ## 跨语言

# %% exercise="mean_pool"

# %% exercise="multilingual_mse"

# %% exercise="retrieval_accuracy"

# %% exercise="csls"

# %% exercise="procrustes"

# %% exercise="language_weights"

# %% exercise="transfer_soft_labels"

# %% exercise="weight_teachers"

# %% exercise="selective_kd"

# %% exercise="trim_vocabulary"

# %% [markdown] lang="en"
# ## Sequences
# %% [markdown] lang="zh"
# ## 序列

# %% exercise="reverse_kl"

# %% exercise="generalized_jsd"

# %% exercise="uld_loss"

# %% exercise="on_policy_loss"

# %% [markdown] lang="en"
# ## Measuring and shipping
# %% [markdown] lang="zh"
# ## 评测与部署

# %% exercise="agreement"

# %% exercise="expected_calibration_error"

# %% exercise="paired_bootstrap"

# %% exercise="quantize_int8"

# %% [markdown] lang="en"
# ## Debugging
# %% [markdown] lang="zh"
# ## 找错

# %% exercise="debug_ignored_mask"

# %% exercise="debug_infinite_padding"

# %% exercise="debug_mean_of_means"

# %% exercise="debug_detached_feature"

# %% exercise="debug_one_model_twice"

# %% exercise="debug_shrinking_loss"

# %% exercise="debug_shuffled_cache"

# %% exercise="debug_woken_teacher"

# %% exercise="debug_shifted_logits"
