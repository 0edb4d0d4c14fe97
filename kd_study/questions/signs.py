"""TeX formulas in plain signs, for where nothing draws them: a terminal, a page that needs no network."""

import re

_SIGNS = {
    "alpha": "α", "approx": "≈", "arg": "arg ", "beta": "β", "cdot": "·", "dots": "…", "ell": "ℓ",
    "epsilon": "ε", "eta": "η", "gamma": "γ", "ge": "≥", "in": "∈", "infty": "∞", "lVert": "‖",
    "lambda": "λ", "langle": "⟨", "ldots": "…", "le": "≤", "leftarrow": "←", "lfloor": "⌊", "mu": "μ",
    "nabla": "∇", "ne": "≠", "partial": "∂", "pm": "±", "propto": "∝", "psi": "ψ", "quad": " ",
    "qquad": " ", "rVert": "‖", "rangle": "⟩", "rfloor": "⌋", "rho": "ρ", "sigma": "σ", "sum": "Σ",
    "tau": "τ", "theta": "θ", "times": "×", "to": "→", "top": "ᵀ", "varepsilon": "ε",
    **dict.fromkeys(("Big", "big", "bigl", "bigr", "left", "right"), ""),
}  # fmt: skip
_ACCENTS = {"bar": "\u0304", "hat": "\u0302", "tilde": "\u0303"}
_RAISED = str.maketrans("0123456789+-()TabknN", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ᵀᵃᵇᵏⁿᴺ")
_ONE_SIGN = re.compile(r"\d+|\w|[^\W\d_]{2,}|\\[a-z]+")
_RAISABLE = re.compile(r"[-0-9+()TabknN]+")
_CHINESE = "[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"


def readable_math(text: str) -> str:
    """The text with its TeX formulas in plain signs: `$T^2 \\alpha$` becomes T² α. Code stays as it is."""
    pieces = re.split(r"(```.*?```|`[^`\n]*`)", text, flags=re.DOTALL)
    return "".join(piece if piece.startswith("`") else _formulas(piece) for piece in pieces)


def without_gaps(text: str) -> str:
    """The text without line breaks between Chinese signs, which would become spaces."""
    return re.sub(rf"({_CHINESE})\n(?={_CHINESE})", r"\1", text)


def _formulas(text: str) -> str:
    return re.sub(
        r"\$\$(.+?)\$\$|\$([^$]+?)\$", lambda found: _plain(found[1] or found[2]), text, flags=re.DOTALL
    )


def _plain(formula: str) -> str:
    """One formula in plain signs."""
    while True:  # what stands in braces may hold braces: from the inside out
        simpler = re.sub(r"\\[td]?frac\{([^{}]*)\}\{([^{}]*)\}", _fraction, formula)
        simpler = re.sub(r"\\(?:text|mathrm|mathcal|mathbb|operatorname)\{([^{}]*)\}", r"\1", simpler)
        simpler = re.sub(r"\\[td]?frac(\d)(\d)", r"\1/\2", simpler)
        simpler = re.sub(r"\\underbrace\{([^{}]*)\}", r"[\1]", simpler)
        simpler = re.sub(r"\\sqrt\{([^{}]*)\}", r"√(\1)", simpler)
        simpler = re.sub(r"\\(bar|hat|tilde)(?:\{([^{}])\}|\s+(\w))", _accent, simpler)
        simpler = re.sub(r"\^\{([^{}]*)\}", _power, simpler)
        simpler = re.sub(r"_\{([^{}]*)\}", _index, simpler)
        if simpler == formula:
            break
        formula = simpler
    formula = re.sub(r"\\([A-Za-z]+)", lambda found: _SIGNS.get(found[1], found[1]), formula)
    formula = re.sub(r"\^(\w)", _power, formula)
    formula = formula.replace(r"\|", "‖").replace(r"\{", "{").replace(r"\}", "}")
    formula = re.sub(r"\\[,;!: ]", " ", formula)
    return re.sub(r" +", " ", formula).replace("^ᵀ", "ᵀ").replace("^(ᵀ)", "ᵀ")


def _fraction(found: re.Match) -> str:
    above, below = (part if _ONE_SIGN.fullmatch(part.strip()) else f"({part})" for part in found.groups())
    return f"{above}/{below}"


def _index(found: re.Match) -> str:
    return f"_{found[1]}" if re.fullmatch(r"\w+|\(\w+\)", found[1]) else f"_({found[1]})"


def _accent(found: re.Match) -> str:
    return f"{found[2] or found[3]}{_ACCENTS[found[1]]}"


def _power(found: re.Match) -> str:
    power = found[1].strip()
    if _RAISABLE.fullmatch(power):
        return power.translate(_RAISED)
    return f"^{power}" if len(power) == 1 else f"^({power})"
