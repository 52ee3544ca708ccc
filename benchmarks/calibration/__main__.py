"""Run the whole grid, two models at a time, and print its table."""

import time

from benchmarks.calibration import MODELS, calibrate, table


def main() -> None:
    start = time.perf_counter()
    cases = calibrate(workers=2)
    print(table(cases))
    print(f"{len(MODELS)} models, {time.perf_counter() - start:.0f} s in two processes")
    for case in cases:
        if case.false_pass or case.false_fail:
            print(case)


if __name__ == "__main__":
    main()
