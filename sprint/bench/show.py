"""What was measured, as tables on the terminal; the JSON holds more."""

from rich.table import Table

from sprint.runtime.progress import console


def print_training(result: dict) -> None:
    """Seconds of a step and speed-up over the base, measured and modelled."""
    base = result["base"]
    table = Table(
        "network", "tokens", "batch", "step / ms", "images/s", f"× {base}, measured", f"× {base}, modelled",
        "share of it", "GFLOP/s", "working MiB", box=None, padding=(0, 2, 0, 0),
    )  # fmt: skip
    for row in [*result.get("plain", []), *result["rows"]]:
        speedup, memory = row["speedup_measured"], row.get("working_bytes")
        table.add_row(
            row["label"],
            f"{row['tokens']}",
            f"{row['batch']}",
            _with_range(row["step_seconds"], 1e3, ".1f"),
            f"{row['images_per_second']:.1f}",
            _with_range(speedup, 1, ".2f"),
            f"{row['speedup_modelled']:.2f}",
            f"{speedup['median'] / row['speedup_modelled']:.2f}",
            f"{row['flops_per_second'] / 1e9:.0f}",
            "" if memory is None else f"{memory / 2**20:.0f}",
        )
    console().print(table)
    for row in result["rows"][:2]:
        parts = ", ".join(f"{name} {seconds * 1e3:.1f}" for name, seconds in row["parts_seconds"])
        print(f"{row['label']}, {row['tokens']} tokens, ms by part: {parts}")
    print(
        f"this machine's matrix product: {result['matrix_flops_per_second'] / 1e9:.0f} GFLOP/s, {result['precision']}"
    )
    _print_impossible(result)


def print_sampling(result: dict) -> None:
    """Seconds of a step under each guidance, its calls made the faster way, and speed-up over CFG."""
    table = Table(
        "network", "guidance", "calls", "step / ms", "images × steps / s", "× CFG, measured", "× CFG, modelled",
        "share of it", box=None, padding=(0, 2, 0, 0),
    )  # fmt: skip
    for row in result["rows"]:
        table.add_row(
            row["label"],
            row["guidance"],
            row["calls"],
            _with_range(row["step_seconds"], 1e3, ".1f"),
            f"{row['images_per_second']:.1f}",
            _with_range(row["speedup_measured"], 1, ".2f"),
            f"{row['speedup_modelled']:.2f}",
            f"{row['speedup_measured']['median'] / row['speedup_modelled']:.2f}",
        )
    console().print(table)
    _print_impossible(result)


def print_evaluation(result: dict) -> None:
    """Seconds of each part of an evaluation."""
    table = Table(f"of {result['images']} images", "seconds", box=None, padding=(0, 2, 0, 0))
    for row in result["rows"]:
        table.add_row(row["label"], _with_range(row["seconds"], 1, ".3f"))
    console().print(table)


def print_data(result: dict) -> None:
    """What reading latents costs, a line for each number."""
    rate = result["examples_per_second"]
    print(f"{result['examples']} latents of {' x '.join(map(str, result['shape']))}, {result['bytes'] / 2**30:.2f} GiB")
    print(f"examples a second and process  {rate['median']:.0f} ({rate['low']:.0f}–{rate['high']:.0f})")
    print(f"seconds to the first batch     {result['first_batch_seconds']:.1f}, the start of the process included")
    print(f"memory above start-up          {result['bytes_above_start'] / 2**20:.0f} MiB")
    print(f"same batches when resumed      {'yes' if result['same_when_resumed'] else 'NO'}")


def print_rows(result: dict) -> None:
    """Seconds of each metric of made features, in all, and the memory."""
    table = Table(
        f"{result['images']} rows of {result['dimensions']}", "seconds", "processor seconds", box=None,
        padding=(0, 2, 0, 0),
    )  # fmt: skip
    for row in [*result["rows"], {**result, "label": "all"}]:
        missing = result["missing"].get(row["label"], "")
        table.add_row(row["label"], f"{row['seconds']:.1f}", f"{row['cpu_seconds']:.1f}{missing and f'  ({missing})'}")
    console().print(table)
    print(f"most memory: {result['peak_memory_bytes'] / 2**30:.2f} GiB")


def _print_impossible(result: dict) -> None:
    for one in result["impossible"]:
        print(f"not measured: {one['reason']}")


def _with_range(values: dict, factor: float, form: str) -> str:
    low, median, high = (format(values[key] * factor, form) for key in ("low", "median", "high"))
    return f"{median} ({'turns scatter: ' if values['scatters'] else ''}{low}–{high})"
