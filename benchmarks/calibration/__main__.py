"""Run the whole grid, two models at a time, and print its tables: ``--only told`` runs a part."""

import argparse
import time

from benchmarks.calibration import (
    CIRCUIT_MODELS,
    MODELS,
    TOLD_MODELS,
    calibrate,
    calibrate_circuits,
    calibrate_told,
    table,
)

PARTS = {
    "facts": (calibrate, MODELS),
    "told": (calibrate_told, TOLD_MODELS),
    "circuits": (calibrate_circuits, CIRCUIT_MODELS),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", choices=PARTS, help="claims about facts, on labelled prompts, or about circuits"
    )
    only = parser.parse_args().only
    for run, models in [PARTS[only]] if only else PARTS.values():
        start = time.perf_counter()
        cases = run(workers=2)
        print(table(cases))
        print(f"{len(models)} models, {time.perf_counter() - start:.0f} s in two processes")
        for case in cases:
            if case.false_pass or case.false_fail:
                print(case)


if __name__ == "__main__":
    main()
