"""The table of rates at the end of the test output."""

COUNTS = ("right", "refused", "mistakes", "accepted", "unnamed", "misnamed", "doubles", "accepted", "misnamed")
PLACES = {"right": (0, 2), "single": (2, 6), "double": (6, 9)}


def pytest_terminal_summary(terminalreporter):
    """How often answers of each kind were judged rightly, problem by problem and in all."""
    rows = {}
    for state in ("passed", "failed"):
        for report in terminalreporter.stats.get(state, []):
            problem = report.nodeid.partition("[")[2].rstrip("]")
            for kind, counts in getattr(report, "user_properties", []):
                if kind in PLACES:
                    first, last = PLACES[kind]
                    rows.setdefault(problem, [0] * len(COUNTS))[first:last] = counts
    if not rows:
        return
    total = [sum(row[k] for row in rows.values()) for k in range(len(COUNTS))]
    terminalreporter.section("how answers to exercises are judged")
    terminalreporter.write_line(f"{'':26}" + "".join(f"{name:>10}" for name in COUNTS))
    for name, row in [*rows.items(), ("all", total)]:
        terminalreporter.write_line(f"{name:26}" + "".join(f"{value:10}" for value in row))
    _, _, mistakes, _, unnamed, misnamed, *_ = total
    if mistakes:
        share = (mistakes - unnamed - misnamed) / mistakes
        terminalreporter.write_line(f"{100 * share:.1f} % of known mistakes called by their names")
