#!/usr/bin/env python3
"""h2spec_result.py REPORT.xml EXCEPTIONS: what h2spec's JUnit report says.

Prints `PASSED FAILED EXCEPTED`: a case that failed or was skipped is excepted if EXCEPTIONS names
it as SECTION/NUMBER, else it is one of FAILED, and named on stderr. So is an exception that passes.
"""

import re
import sys
import xml.etree.ElementTree as tree


def read(report):
    """h2spec copies what it received into its report, bytes that XML forbids included."""
    text = open(report, "rb").read().decode("utf-8", "replace")
    return tree.fromstring(re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd]|&#x?[0-9a-fA-F]{1,2};", "?", text))


def main(report, exceptions):
    with open(exceptions, encoding="utf-8") as file:
        lines = (line.split("#")[0].strip() for line in file)
        allowed = {line for line in lines if line}
    passed, failed, excepted = 0, [], 0
    for suite in read(report).iter("testsuite"):
        for number, case in enumerate(suite.iter("testcase"), 1):
            name = f"{case.get('package')}/{number}"
            good = case.find("failure") is None and case.find("error") is None
            good = good and case.find("skipped") is None
            if good == (name not in allowed):
                passed, excepted = passed + good, excepted + (not good)
            else:
                what = "is an exception, but passes" if good else "failed or was skipped"
                failed.append(f"{name} {what}: {case.get('classname')}")
    print(passed, len(failed), excepted)
    for line in failed:
        print(line, file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
