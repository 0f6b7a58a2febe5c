#!/usr/bin/env python3
"""snippets.py OUT.cc PAGE.md...: one source of all C++ that stands in the pages.

Of a page, the blocks fenced as c++ are taken, and the HTML comments `<!-- c++ ... -->`, in which a page
says what its snippets stand in: they are not shown. Each page is a namespace of its own, where the names
of prelude.h are known; its includes go to the top. Errors name the page's line. Blocks fenced otherwise (cpp: other people's code) are not
looked at.
"""
import pathlib
import re
import sys

BLOCK = re.compile(r"^```c\+\+\n(.*?)^```$|^<!-- c\+\+\n(.*?)^-->$", re.M | re.S)


def pieces(page):
    """(line of the page, code) of each block."""
    text = page.read_text()
    for block in BLOCK.finditer(text):
        which = 1 if block.group(1) is not None else 2
        yield text.count("\n", 0, block.start(which)) + 1, block.group(which)


def main(out, pages):
    includes, bodies = {'#include "prelude.h"'}, []
    for page in pages:
        body = [f"namespace docs::page_{page.stem} {{"]
        for line, code in pieces(page):
            includes.update(re.findall(r"^#include .*$", code, re.M))
            code = re.sub(r"^#include .*$", "", code, flags=re.M)
            body.append(f'#line {line} "{page}"\n{code}')
        bodies.append("\n".join(body + ["}"]))
    pathlib.Path(out).write_text("\n".join(sorted(includes) + bodies) + "\n")


main(sys.argv[1], [pathlib.Path(p) for p in sys.argv[2:]])
