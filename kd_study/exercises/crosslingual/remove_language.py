import torch

from kd_study.exercises.base import (
    Exercise,
    check,
    check_default,
    expect,
    expect_close,
    expect_tensor,
    normal,
    outcome,
)


class RemoveLanguage(Exercise):
    def validate(self, result, arguments):
        expect_tensor(result)
        wanted = tuple(arguments["vectors"].shape)
        expect(
            result.shape == wanted,
            f"vectors of shape {wanted} should come back in that shape, a row a vector, but {tuple(result.shape)} came back",
            f"形状为{wanted}的向量，返回时形状应不变，一行一个向量，返回的却是{tuple(result.shape)}",
        )

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(torch.tensor([[2.0, 1.0], [1.0, 3.0], [2.0, -1.0], [-1.0, 3.0]]), torch.tensor([0, 1, 0, 1])),
            torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.0, -1.0], [-1.0, 0.0]]),
            "language 0 has [2, 1] and [2, -1], so its first direction is [1, 0]; language 1 has [1, 3] and [-1, 3], so its "
            "first is [0, 1]; every row loses its part along its own language's direction and stays in its place",
            "语言0有[2, 1]和[2, -1]，第一方向是[1, 0]；语言1有[1, 3]和[-1, 3]，第一方向是[0, 1]；每一行去掉在自己语言方向上的分量，"
            "位置不变",
        )

    @check(en="What is left, and what has gone", zh="留下的与去掉的")
    def takes_out_what_weighs_most(self, fn):
        vectors = _language(7, 4, seed=1) / 10
        values = torch.linalg.svdvals(vectors)
        for k in (1, 2, 3):
            left = fn(vectors, torch.zeros(7, dtype=torch.long), k).to(vectors.dtype)
            expect_close(
                torch.linalg.svdvals(left),
                torch.cat([values[k:], torch.zeros(k)]),
                f"with {k} of 4 directions gone, those with the largest singular values, the others' should be left as they were",
                f"去掉4个方向中奇异值最大的{k}个之后，其余方向的奇异值应保持原样",
                tolerance=1e-3,
            )
            expect_close(
                (vectors - left) @ left.T,
                torch.zeros(7, 7),
                "what has gone and what is left should be at right angles: take the projection out, and only that",
                "去掉的部分与留下的部分应互相垂直：减去投影，而且只减去投影",
                tolerance=1e-3,
            )

    @check(en="First one, then two: three", zh="先去一个，再去两个：共三个")
    def can_go_on_where_it_stopped(self, fn):
        vectors, languages = self._mixed(seed=2)
        expect_close(
            fn(fn(vectors, languages, 1).to(vectors.dtype), languages, 2),
            fn(vectors, languages, 3),
            "taking one direction out, then two of what is left, should be the same as taking out three at once",
            "先去掉一个方向，再从剩下的里去掉两个，应与一次去掉三个相同",
            tolerance=1e-3,
        )

    @check(en="No component, no change", zh="0个分量，什么也不变")
    def leaves_all_with_no_component(self, fn):
        vectors, languages = self._mixed(seed=3)
        expect_close(
            fn(vectors, languages, components=0),
            vectors,
            "with 0 components nothing is taken out, not even a mean",
            "分量数为0时什么也不去掉，均值也不减",
        )

    @check(en="From the rank on nothing is left", zh="达到秩之后，什么也不剩")
    def leaves_nothing_from_the_rank_on(self, fn):
        line = torch.tensor([[1.0], [-2.0], [0.5]]) * torch.tensor([[3.0, 1.0, 2.0, -1.0]])
        for name, vectors, ks in (
            ("one vector", normal(1, 4, seed=4), (1, 2, 9)),
            ("2 vectors of 4 dimensions", normal(2, 4, seed=5), (2, 3, 9)),
            ("5 vectors of 3 dimensions", normal(5, 3, seed=6), (3, 4, 9)),
            ("3 vectors on one line", line, (1, 2, 9)),
            ("vectors as large as 1e5", 1e5 * normal(2, 4, seed=7), (2, 9)),
            ("vectors of zeros", torch.zeros(3, 4), (1, 9)),
        ):
            for k in ks:
                left = fn(vectors, torch.full((len(vectors),), 1), k) / vectors.abs().max().clamp(min=1)
                expect_close(
                    left,
                    torch.zeros_like(vectors),
                    f"{name}: {k} components are as many as the rank or more, and nothing but rounding should be left",
                    f"（{len(vectors)}个{vectors.shape[1]}维向量，去掉{k}个分量）分量数达到或超过秩，除舍入误差外不应剩下任何东西",
                    tolerance=1e-3,
                )

    @check(en="Each language by itself", zh="每种语言各算各的")
    def treats_each_language_by_itself(self, fn):
        vectors, languages = self._mixed(seed=8)
        for k in (1, 2):
            together = fn(vectors, languages, k)
            for language in (0, 1, 2):
                rows = languages == language
                expect_close(
                    together[rows],
                    fn(vectors[rows], languages[rows], k),
                    "a language's vectors should come out the same whether others are there or not: the directions are its own",
                    "一种语言的结果，不应取决于有没有别的语言：方向由它自己的向量算出",
                    tolerance=1e-3,
                )

    @check(en="Rows in any order, any integers for languages", zh="行的次序、语言编号任意")
    def takes_rows_and_ids_as_they_come(self, fn):
        vectors, languages = self._mixed(seed=9)
        expected = fn(vectors, languages, 2)
        order = torch.tensor([10, 3, 0, 7, 12, 1, 9, 4, 11, 2, 6, 8, 5, 13])
        expect_close(
            fn(vectors[order], languages[order], 2),
            expected[order],
            "with the rows in another order the result's rows should be in that order, and otherwise the same",
            "行的次序变了，结果的行也应按新的次序排列，其余不变",
            tolerance=1e-3,
        )
        for ids in ([5, 900, 7], [-3, 3, 103], [2, 0, 1]):
            expect_close(
                fn(vectors, torch.tensor(ids)[languages], 2),
                expected,
                f"the numbers {ids} for the three languages, instead of [0, 1, 2], should change nothing",
                f"三种语言的编号由[0, 1, 2]换成{ids}，结果不应变化",
                tolerance=1e-3,
            )

    @check(en="A turn or a stretch of all carries over", zh="整体旋转或缩放，结果跟着变")
    def follows_turns_and_stretches(self, fn):
        vectors, languages = self._mixed(seed=10)
        expected = fn(vectors, languages, 2).to(vectors.dtype)
        turn = torch.linalg.qr(normal(4, 4, seed=11)).Q
        expect_close(
            fn(vectors @ turn, languages, 2),
            expected @ turn,
            "with all vectors turned the result should be turned likewise: no axis is special",
            "所有向量一起旋转，结果也应同样旋转：没有哪个坐标轴是特殊的",
            tolerance=1e-3,
        )
        for factor in (1e-4, 1e4):
            stretch = torch.where(languages == 1, factor, 1.0)[:, None]
            expect_close(
                fn(vectors * stretch, languages, 2) / stretch,
                expected,
                f"with one language's vectors times {factor:g} its rows of the result should be times {factor:g}, the "
                "others as they were",
                f"一种语言的向量乘以{factor:g}，结果中它的行也应乘以{factor:g}，其余不变",
                tolerance=1e-3,
            )

    @check(en="Not centred", zh="不做中心化")
    def does_not_centre(self, fn):
        expect_close(
            fn(torch.tensor([[3.0, 4.0]]).repeat(3, 1), torch.zeros(3, dtype=torch.long)),
            torch.zeros(3, 2),
            "three times the same vector: it is the first direction itself, and nothing is left. Of centred vectors there is "
            "no direction at all",
            "三个相同的向量：它本身就是第一方向，什么也不剩。若先减去均值，就根本没有方向可言",
            tolerance=1e-3,
        )
        own = torch.tensor([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 0.5], [0.0, 0.0, -0.5]])
        expect_close(
            fn(own + torch.tensor([9.0, 0.0, 0.0]), torch.zeros(4, dtype=torch.long)),
            own,
            "all four vectors share [9, 0, 0]: this is their first direction, and what they differ in should stay",
            "四个向量共有[9, 0, 0]：它就是第一方向，而它们彼此的差别应当保留",
            tolerance=1e-3,
        )

    takes_one_by_default = check_default("components", 1)

    @check(en="Keeps float32 and float64", zh="保持float32与float64")
    def keeps_the_dtype(self, fn):
        for dtype in (torch.float32, torch.float64):
            came = fn(normal(6, 3, seed=12).to(dtype), torch.tensor([0, 1, 0, 1, 0, 1]))
            expect(
                came.dtype == dtype,
                f"{dtype} goes in, {came.dtype} comes out",
                f"输入是{dtype}，输出却是{came.dtype}",
            )

    def _mixed(self, seed):
        """14 vectors of three languages, 4 dimensions, in no order."""
        languages = torch.tensor([0, 1, 1, 2, 0, 1, 2, 0, 0, 2, 1, 1, 0, 2])
        each = [_language(14, 4, seed=seed + 100 * language) for language in range(3)]
        return torch.stack(each)[languages, torch.arange(14)], languages

    def example(self):
        vectors, languages = self._mixed(seed=13)
        return {"vectors": vectors, "languages": languages, "components": 2}

    def probes(self):
        mixed, languages = self._mixed(seed=14)
        order = languages.argsort(stable=True)
        one = torch.zeros(6, dtype=torch.long)
        return {
            "three languages": {"vectors": mixed, "languages": languages},
            "in order": {"vectors": mixed[order], "languages": languages[order], "components": 2},
            "one language": {"vectors": _language(6, 4, seed=15), "languages": one, "components": 2},
            "all but one": {"vectors": _language(6, 4, seed=16), "languages": one, "components": 3},
            "far from 0": {"vectors": _language(6, 4, seed=17) + 6.0, "languages": one},
        }

    def edges(self):
        vectors, languages = self._mixed(seed=18)
        return {
            "no component": {"vectors": vectors, "languages": languages, "components": 0},
            "many components": {"vectors": vectors, "languages": languages, "components": 9},
            "other ids": {"vectors": vectors, "languages": torch.tensor([5, 9, 7])[languages]},
            "negative ids": {"vectors": vectors, "languages": torch.tensor([1, -1, 0])[languages]},
        }

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        languages = torch.tensor([0, 0, 1])

        def leaves_its_input():
            vectors = normal(3, 4, seed=19)
            function(vectors, languages)
            return torch.equal(vectors, normal(3, 4, seed=19))

        edge["dtype"] = outcome(lambda: str(function(normal(3, 4).double(), languages).dtype))
        edge["leaves its input"] = outcome(leaves_its_input)
        return ordinary, edge


def _language(rows: int, width: int, seed: int) -> torch.Tensor:
    """Vectors around a mean of their own, their singular values well apart."""
    spread = torch.tensor([3.0, 1.8, 1.0, 0.5])[:width]
    mean, turn = normal(width, seed=seed), torch.linalg.qr(normal(width, width, seed=seed + 1)).Q
    return normal(rows, width, seed=seed + 2, scale=1.0) * spread @ turn + mean


def _each(vectors, languages, clean):
    """`clean` of each language's vectors, every row in its place."""
    result = torch.empty_like(vectors)
    for language in languages.unique():
        rows = languages == language
        result[rows] = clean(vectors[rows])
    return result


def _directions(own, components):
    return torch.linalg.svd(own, full_matrices=False).Vh[:components]


def _projected(own, directions):
    return own @ directions.T @ directions


@RemoveLanguage.wrong(
    en="One decomposition of all vectors together: its first direction is what all languages share, and the rest of each "
    "language stays. Every language has directions of its own.",
    zh="把所有向量放在一起只分解一次：第一方向是各语言共有的部分，每种语言自己的部分却留了下来。每种语言都要用自己的方向。",
    reference="https://github.com/nlptown/nlp-notebooks/issues/10",
)
def takes_one_direction_for_all(vectors, languages, components=1):
    return vectors - _projected(vectors, _directions(vectors, components))


@RemoveLanguage.wrong(
    en="The directions are a PCA's, of centred vectors: they say how the sentences of a language differ, and the mean, where "
    "the language is, isn't among them. Decompose the vectors as they are.",
    zh="方向来自PCA，也就是先减去均值：它描述的是同一语言内各句之间的差别，而语言本身所在的均值不在其中。应直接分解原向量。",
    reference="https://github.com/rock3125/sentence2vec/issues/8",
)
def centres_before_decomposing(vectors, languages, components=1):
    return _each(
        vectors, languages, lambda own: own - _projected(own, _directions(own - own.mean(0), components))
    )


@RemoveLanguage.wrong(
    en="Each language's mean is subtracted. A projection takes as much from a row as it has along the direction; a mean takes the "
    "same from each.",
    zh="减去的是每种语言的均值。投影按每一行在该方向上的分量来减；减均值则对每一行都减去同样的量。",
    reference="Libovický et al. 2020, arXiv:2004.05160",
)
def subtracts_the_mean(vectors, languages, components=1):
    return _each(vectors, languages, lambda own: own - own.mean(0) if components else own)


@RemoveLanguage.wrong(
    en="The mean is subtracted, then the first directions of what is left go as well: all-but-the-top, one direction too many and "
    "the wrong ones.",
    zh="先减去均值，再去掉剩余部分的前几个方向：这是all-but-the-top，多去了一个方向，方向也不对。",
    reference="Mu & Viswanath 2018, arXiv:1702.01417",
)
def removes_all_but_the_top(vectors, languages, components=1):
    def clean(own):
        centred = own - own.mean(0)
        return centred - _projected(centred, _directions(centred, components))

    return _each(vectors, languages, clean)


@RemoveLanguage.wrong(
    en="Columns are taken of what svd returns third. That is Vᵀ already: the directions are its rows.",
    zh="取了svd第三个返回值的列。它已经是Vᵀ：方向是它的行。",
    reference="https://github.com/numpy/numpy/issues/7828",
)
def takes_columns_of_vh(vectors, languages, components=1):
    return _each(
        vectors, languages, lambda own: own - _projected(own, torch.linalg.svd(own).Vh[:, :components].T)
    )


@RemoveLanguage.wrong(
    en="eigh sorts its eigenvalues upwards: the first eigenvectors are those that weigh least.",
    zh="eigh按特征值从小到大排列：最前面的特征向量恰是最不重要的。",
)
def takes_the_smallest(vectors, languages, components=1):
    def clean(own):
        directions = torch.linalg.eigh(own.T @ own).eigenvectors[:, :components].T
        return own - _projected(own, directions)

    return _each(vectors, languages, clean)


@RemoveLanguage.wrong(
    en="The projection itself comes back: all that is language, and nothing of the rest.",
    zh="返回的是投影本身：全是语言信息，其余什么也没有。",
    reference="https://github.com/oborchers/Fast_Sentence_Embeddings/issues/35",
)
def returns_the_projection(vectors, languages, components=1):
    return _each(vectors, languages, lambda own: _projected(own, _directions(own, components)))


@RemoveLanguage.wrong(
    en="Only the first direction goes, whatever `components` says.",
    zh="不管components是几，都只去掉第一个方向。",
)
def takes_the_first_only(vectors, languages, components=1):
    return _each(vectors, languages, lambda own: own - _projected(own, _directions(own, 1)))


@RemoveLanguage.wrong(
    en="The languages' results are put one after the other: unless the rows came sorted by language, row i no longer belongs "
    "to sentence i.",
    zh="把各语言的结果依次拼接：除非输入本来就按语言排好，否则第i行不再对应第i个句子。",
)
def stacks_the_languages(vectors, languages, components=1):
    parts = [vectors[languages == language] for language in languages.unique()]
    return torch.cat([own - _projected(own, _directions(own, components)) for own in parts])


@RemoveLanguage.wrong(
    en="Languages are taken to be numbered 0, 1, 2, … without a gap: others are left as they are. Ask `languages.unique()`.",
    zh="以为语言编号是从0开始、连续不断的：其他编号的行原样留下了。请用`languages.unique()`取得实有的编号。",
)
def counts_languages_from_zero(vectors, languages, components=1):
    result = vectors.clone()
    for language in range(len(languages.unique())):
        rows = languages == language
        result[rows] -= _projected(vectors[rows], _directions(vectors[rows], components))
    return result


@RemoveLanguage.wrong(
    en="The rows are cleaned in place: the caller's vectors are gone, and a second call takes out more.",
    zh="原地修改：调用者的向量没有了，再调用一次还会去掉更多。",
)
def cleans_in_place(vectors, languages, components=1):
    for language in languages.unique():
        rows = languages == language
        vectors[rows] -= _projected(vectors[rows], _directions(vectors[rows], components))
    return vectors


@RemoveLanguage.wrong(
    en="The loop asks for more directions than a language has: an error with few sentences. A slice stops by itself.",
    zh="循环索取的方向多于这种语言所有的：句子少时会报错。切片会自行停下。",
)
def asks_for_more_directions_than_there_are(vectors, languages, components=1):
    def clean(own):
        vh = torch.linalg.svd(own, full_matrices=False).Vh
        for k in range(components):
            own = own - torch.outer(own @ vh[k], vh[k])
        return own

    return _each(vectors, languages, clean)


@RemoveLanguage.wrong(
    en="The result is float32 whatever came in.",
    zh="无论输入是什么dtype，结果都成了float32。",
)
def returns_float32(vectors, languages, components=1):
    return _each(vectors.float(), languages, lambda own: own - _projected(own, _directions(own, components)))


EXERCISE = RemoveLanguage()
