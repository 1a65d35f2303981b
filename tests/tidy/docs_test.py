#!/usr/bin/env python3
"""Every public type and function in a header has a /// comment. Run it as it is, or with ctest.

One comment serves the functions that follow it without an empty line, and all overloads of a name
in one scope; a type has its own. None is wanted where the name says all or somebody else has said
it: constructors, operators, overrides, what is deleted or defaulted, specialisations, and
`inspect`, which CAF calls.
"""

import os
import pathlib
import re
import sys

FOLDERS = ("base", "risk", "metrics", "ledger", "shards", "store", "actors", "api", "app")

NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|'
                   r"(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*",
                   re.DOTALL | re.MULTILINE)


def code_of(text):
    """`text` with comments, literals and the preprocessor's lines blanked, each in its place."""
    return NOISE.sub(lambda found: re.sub(r"[^\n]", " ", found.group(0)), text)


def after_angles(text, start):
    """The position behind the angle bracket that closes the one at `start`."""
    depth = 0
    for at in range(start, len(text)):
        depth += {"<": 1, ">": -1}.get(text[at], 0)
        if depth == 0:
            return at + 1
    return len(text)


def without_template(head):
    """A declaration without attributes and its parameters as a template."""
    head = " ".join(re.sub(r"\[\[.*?\]\]", " ", head).split())
    while re.match(r"template\s*<", head):
        head = head[after_angles(head, head.index("<")):].lstrip()
    return head


def first_parenthesis(head):
    """Where parameters may begin: the first parenthesis that is in no angle brackets."""
    at = 0
    while at < len(head):
        if head[at] == "<":
            at = after_angles(head, at)
        elif head[at] == "(":
            return at
        else:
            at += 1
    return None


def function_in(head, scope):
    """The name that a declaration gives to a function of which a comment is wanted, or None."""
    plain = without_template(head)
    if re.match(r"(using|typedef|friend|static_assert|extern|concept|enum)\b", plain):
        return None
    if re.search(r"\boperator\b|=\s*(delete|default)$|\b(override|final)$", plain):
        return None
    if re.match(r"template\s*<\s*>", " ".join(head.split())):
        return None
    at = first_parenthesis(plain)
    if at is None or re.search(r"[={]", plain[:at]) or re.match(r"\(\s*[\w:]*\*", plain[at:]):
        return None
    name = re.search(r"([~\w:]+)\s*$", plain[:at])
    # Without a type before it, it is a constructor or a guide for deduction.
    if not name or name.start() == 0 or re.search(r"::|~", name.group(1)):
        return None
    return None if name.group(1) in (scope, "inspect", "requires", "alignas") else name.group(1)


def type_in(head):
    """The keyword and the name of a class or an enumeration that `head` begins, or None."""
    plain = without_template(head)
    if "(" in plain:
        return None
    found = re.match(r"(?:requires\b.*\s)?(class|struct|union|enum)\s+(?:class\s+)?([\w:]*)", plain)
    return found.groups() if found else None


def is_foreign(name):
    """Specialisations of the standard's templates say nothing that the type did not say."""
    return name.startswith(("std::", "fmt::"))


class Scope:
    def __init__(self, name, is_visible):
        self.name = name
        self.is_visible = is_visible
        self.documented = set()
        self.group_end = None  # The last line of the latest function in a documented group.


def scope_of(head, outer):
    """The scope that a brace behind `head` opens, or None for a body or a value."""
    plain = without_template(head)
    if re.match(r"(inline )?namespace\b", plain):
        is_open = plain != "namespace" and not re.search(r"\b(detail|internal)\b", plain)
        return Scope(None, outer.is_visible and is_open)
    keyword, name = type_in(head) or ("", "")
    if keyword in ("class", "struct", "union"):
        is_open = keyword != "class" and not is_foreign(name)
        return Scope(name.split("::")[-1], outer.is_visible and is_open)
    return None


class Reader:
    """Walks over one header and gathers what nobody has described."""

    def __init__(self, path, text):
        self.path = path
        self.lines = text.split("\n")
        self.code = code_of(text)
        self.scopes = [Scope(None, True)]
        self.start = None
        self.found = []

    def line_of(self, at):
        return self.code.count("\n", 0, at)

    def end_of_body(self, at):
        depth = 0
        while at < len(self.code):
            depth += {"{": 1, "}": -1}.get(self.code[at], 0)
            at += 1
            if depth == 0:
                break
        return at

    def has_comment(self):
        return self.lines[self.line_of(self.start) - 1].lstrip().startswith("///")

    def blame(self, name):
        self.found.append(f"{self.path}:{self.line_of(self.start) + 1}: {name} has no /// comment")

    def note_type(self, end):
        """Looks at the type whose braces begin at `end`, if it is one."""
        if self.start is None or not self.scopes[-1].is_visible:
            return
        keyword, name = type_in(self.code[self.start:end]) or ("", "")
        if keyword and not is_foreign(name) and not self.has_comment():
            self.blame(name)

    def note(self, head_end, end):
        """Looks at the declaration that ends before `end`, perhaps with a body."""
        scope = self.scopes[-1]
        if self.start is None or not scope.is_visible:
            return
        name = function_in(self.code[self.start:head_end], scope.name)
        if name is None:
            return
        first, last = self.line_of(self.start), self.line_of(end - 1)
        is_in_group = scope.group_end == first - 1
        if self.has_comment() or is_in_group or name in scope.documented:
            scope.documented.add(name)
            scope.group_end = last
        else:
            self.blame(name)

    def breaches(self):
        at, parentheses = 0, 0
        while at < len(self.code):
            char = self.code[at]
            parentheses += {"(": 1, ")": -1}.get(char, 0)
            if parentheses == 0 and char == "{":
                head = self.code[at if self.start is None else self.start:at]
                self.note_type(at)
                scope = scope_of(head, self.scopes[-1])
                if scope:
                    self.scopes.append(scope)
                    self.start = None
                else:
                    head_end, at = at, self.end_of_body(at)
                    # A value in braces: the declaration goes on.
                    if not re.match(r"\s*[,;{)]", self.code[at:]):
                        self.note(head_end, at)
                        self.start = None
                    continue
            elif parentheses == 0 and char in ";}":
                self.note(at, at)
                if char == "}":
                    self.scopes.pop()
                self.start = None
            elif parentheses == 0 and char == ":" and self.start is not None:
                access = self.code[self.start:at].strip()
                if access in ("public", "protected", "private"):
                    self.scopes[-1].is_visible = (access == "public"
                                                  and self.scopes[-2].is_visible)
                    self.start = None
            elif self.start is None and not char.isspace():
                self.start = at
            at += 1
        return self.found


def breaches(path, text):
    return Reader(path, text).breaches()


# A header's text, and how many of its types and functions want a comment.
CONTROLS = [
    ("int f(int x);\n", 1),
    ("/// Why.\nint f(int x);\nint g(int x);\n\nint h(int x);\n", 1),
    ("/// Why.\nint f(int x) {\n    return x;\n}\nint g();\n", 0),
    ("/// Why.\nint f(int x);\n\nint f(long x);\n", 0),
    ("// Plain.\ntemplate <class T>\n[[nodiscard]] T f(T x) { return T{x}; }\n", 1),
    ("/// Why.\ntemplate <class T>\n    requires std::is_enum_v<T>\nbool f(T x);\n", 0),
    ("template <class T>\n    requires std::is_enum_v<T>\nbool f(T x) {\n    return true;\n}\n", 1),
    ("/// Why.\nclass A {\npublic:\n    explicit A(int x) : x_{x}, y_(x) {}\n    ~A();\n"
     "    int f();\nprivate:\n    int g();\n    int x_;\n};\n", 1),
    ("/// Why.\nstruct A {\n    bool operator==(const A&) const = default;\n"
     "    int f() override {\n    }\n"
     "    A(const A&) = delete;\n    std::function<int(int)> done{};\n    int (*h)(int);\n};\n", 0),
    ("/// Why.\ntemplate <class T>\nstruct A {\n    enum class E { a };\n    struct B {};\n"
     "private:\n    struct C {};\n};\nstruct D;\nunion U {\n};\n", 3),
    ("namespace a {\nnamespace detail {\nint f();\n}\nint g();\n}\n", 1),
    ("template <>\nstruct std::hash<A> {\n    int operator()(A a) const;\n    int f();\n};\n", 0),
    ("template <class T>\nint A::f(T x) {\n    return 1'000;\n}\n", 0),
    ("#define F(x) \\\n    g(x)\n/// \"int f();\"\nusing A = int(int);\n", 0),
    ("/// Why.\nenum class E : int { a, b };\nconstexpr int n = f(1);\nconstexpr int m{f(1)};\n",
     0),
]


def controls_that_fail():
    return [f"control: {len(breaches('a.hpp', text))} breaches and not {count} in {text!r}"
            for text, count in CONTROLS if len(breaches("a.hpp", text)) != count]


def main():
    root = pathlib.Path(os.environ.get("CROSSCLEAR_SOURCE", pathlib.Path(__file__).parents[2]))
    failures = controls_that_fail()
    files = 0
    for folder in FOLDERS:
        for file in sorted((root / folder).rglob("*.hpp")):
            files += 1
            path = file.relative_to(root).as_posix()
            failures += breaches(path, file.read_text(encoding="utf-8"))
    if files == 0:
        failures.append(f"no headers found below {root}")
    print("\n".join(failures) if failures else f"docs: {files} headers say what they offer")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
