"""`make bench-gpu`: the stock diffusers pipeline against Spotmill at `exact`, `balanced` and `fast`, in one run.

True architectures with random weights (`footage_models.py`), each at its native size. Stock is what a script of ten
lines does, one clip after another: pipeline, frames, encoder. Ours is the product's own session over a batch of shots,
with decoding and encoding beside the denoising. Loading, a first clip (compiling) and encoding the prompts' text are
not timed in either. Without a GPU the same code runs with a tiny model: that proves the harness, its figures mean
nothing, and they are labelled so and not recorded.

    python -m benchmarks.bench_gpu [--models wan-1.3b,wan-5b] [--shots 8] [--steps 50] [--out DIR] [--dry]
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.bench import HERE, _commit
from benchmarks.footage_cost import call_operations, card_tera, computed_calls, tokens
from benchmarks.footage_models import CASES, Case, build, preset_of
from benchmarks.gpu_busy import Busy
from benchmarks.process_tree import machine
from generation.engines.diffusion.presets import SPEEDS, Preset
from generation.spec import Footage, Shot

#: How many times as fast as stock, and which share of the time the GPU works, that we mean to reach.
TARGETS = {"exact": 1.3, "balanced": 2.0}
BUSY_TARGET = 0.95
#: README.md's table for these rows ends before this line.
MARK = "<!-- bench-gpu writes its rows above this line -->"
HARNESS_ONLY = "harness only: a tiny model on the CPU; the figures say nothing about speed"


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print, record."""
    import torch

    options = _options(words)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        torch.set_num_threads(1)  # several threads spin on tiny tensors: ten times slower on a busy machine
    names = (options.models or ("wan-1.3b,wan-5b" if device == "cuda" else "tiny")).split(",")
    if unknown := sorted(set(names) - set(CASES)):
        raise SystemExit(f"there is no model {', '.join(unknown)}; there are {', '.join(CASES)}")
    results = []
    for name in names:
        with tempfile.TemporaryDirectory(prefix="spotmill-bench-gpu-") as scratch:
            results.append(measure(CASES[name], Path(scratch), device, options))
        print(line_of(results[-1]), *judged(results[-1]), sep="\n", flush=True)
    if options.out or not (options.dry or device == "cpu"):
        record(results, Path(options.out) if options.out else HERE)


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Stock diffusers against Spotmill's levels, on random weights.")
    parser.add_argument("--models", help=f"of {', '.join(CASES)} (default: both Wans on a GPU, tiny without)")
    parser.add_argument("--shots", type=int, default=8, help="shots of the batch (default 8)")
    parser.add_argument("--stock-shots", type=int, default=1, help="clips of the stock pipeline (default 1)")
    parser.add_argument("--steps", type=int, default=0, help="denoising steps (default: the preset's)")
    parser.add_argument("--out", help="record into this folder instead of benchmarks/, also without a GPU")
    parser.add_argument("--dry", action="store_true", help="print, record nothing")
    return parser.parse_args(words)


def measure(case: Case, scratch: Path, device: str, options: argparse.Namespace) -> dict[str, Any]:
    """All variants of one model on one device, one after another."""
    print(f"{case.name}: building {case.size}, {case.frames} frames, on {_device_name(device)} ...", flush=True)
    build(case, scratch / "model", device)
    _free(device)
    preset = preset_of(case, scratch / "model", options.steps)
    shots = [
        Shot(f"a clip of number {number}", case.size, case.frames, preset.fps, seed=number)
        for number in range(max(options.shots, options.stock_shots))
    ]
    variants = {"stock": stock(preset, shots[: options.stock_shots], scratch, device)}
    for level in SPEEDS:
        print(f"{case.name}: {level} ...", flush=True)
        variants[level] = ours(preset, shots[: options.shots], level, scratch, device)
    return findings(case, preset, variants, scratch / "model", device)


def stock(preset: Preset, shots: Sequence[Shot], scratch: Path, device: str) -> dict[str, Any]:
    """diffusers as its documentation shows it: bf16, the VAE in float32, a clip at a time, encoded afterwards."""
    import diffusers
    import torch

    folder = preset.checkpoint.folder
    kinds = {"default": torch.bfloat16 if device == "cuda" else torch.float32, "vae": torch.float32}
    pipe = diffusers.DiffusionPipeline.from_pretrained(folder, dtype=kinds, local_files_only=True).to(device)
    pipe.set_progress_bar_config(disable=True)
    _stock_clip(pipe, preset, shots[0], scratch / "stock.mp4", steps=2)
    _free(device)
    began = time.perf_counter()
    for shot in shots:
        _stock_clip(pipe, preset, shot, scratch / "stock.mp4", preset.schedule.steps)
    seconds = time.perf_counter() - began
    calls = preset.schedule.steps * (2 if preset.guidance > 1 else 1)
    measured = {"seconds_per_clip": seconds / len(shots), "clips": len(shots), "calls_per_clip": calls,
                "peak_memory_gib": _peak_gib(device)}  # fmt: skip
    del pipe
    _free(device)
    return measured


def _stock_clip(pipe: Any, preset: Preset, shot: Shot, path: Path, steps: int) -> None:
    import torch

    from generation.media.frames import VideoWriter
    from generation.media.rgb import from_rgb

    frames = pipe(
        prompt=shot.prompt, negative_prompt=preset.negative_prompt, height=shot.size.height_px,
        width=shot.size.width_px, num_frames=shot.frames, num_inference_steps=steps, guidance_scale=preset.guidance,
        generator=torch.Generator("cpu").manual_seed(shot.seed), output_type="np",
    ).frames[0]  # fmt: skip
    # The encoder is the product's in both: diffusers' own writer needs a package that is not installed here.
    with VideoWriter(path, shot.size, shot.fps) as writer:
        for picture in (frames * 255).round().astype("uint8"):
            writer.write(from_rgb(picture))


def ours(preset: Preset, shots: Sequence[Shot], level: str, scratch: Path, device: str) -> dict[str, Any]:
    """The product's session: a first shot untimed, then the batch."""
    from generation.engines.diffusion.memory import batch_for
    from generation.engines.diffusion.session import Session

    asked = [replace(shot, options={"speed": level}) for shot in shots]
    texts = [scratch / f"text-{number}.safetensors" for number in range(len(shots) + 1)]
    paths = [scratch / f"{level}-{number}.mp4" for number in range(len(shots))]
    session = Session(preset, device)
    for _ in session.encode([*(shot.prompt for shot in asked), preset.negative_prompt], texts):
        pass
    asked = [replace(shot, prompt_file=file, negative_file=texts[-1]) for shot, file in zip(asked, texts, strict=False)]
    _rendered(session, asked[: batch_for(asked[0])], paths)  # as many as are denoised together: another shape compiles
    _free(device)
    began = time.perf_counter()
    with Busy() as busy:
        footage = _rendered(session, asked, paths)
    seconds = time.perf_counter() - began
    guided = preset.guidance > 1
    calls = [computed_calls(one.notes, preset.schedule.steps, guided) for one in footage]
    measured = {"seconds_per_clip": seconds / len(shots), "clips": len(shots), "peak_memory_gib": _peak_gib(device),
                "calls_per_clip": sum(calls) / len(calls), "gpu_busy": busy.share, "gpu_busy_why": busy.why,
                "notes": dict(footage[0].notes)}  # fmt: skip
    session.models.close()
    del session
    _free(device)
    return measured


def _rendered(session: Any, shots: Sequence[Shot], paths: Sequence[Path]) -> list[Footage]:
    with closing(session.render(shots, list(paths)[: len(shots)])) as made:
        return [one for one in made if isinstance(one, Footage)]


def findings(
    case: Case, preset: Preset, variants: Mapping[str, dict[str, Any]], folder: Path, device: str
) -> dict[str, Any]:
    """Everything that is recorded, with what follows from the measured times."""
    config = json.loads((folder / "transformer" / "config.json").read_text("utf-8"))
    vae = json.loads((folder / "vae" / "config.json").read_text("utf-8"))
    # Pixels of a latent's side, times two of a patch: 16 for most of Wan, 32 for the 5B.
    a_token = int(vae.get("scale_factor_spatial") or 8) * config["patch_size"][1]
    a_call = call_operations(config, tokens(case.size, case.frames, a_token))
    rate = card_tera(_device_name(device)) if device == "cuda" else None
    for one in variants.values():
        tera = a_call * one["calls_per_clip"] / one["seconds_per_clip"] / 1e12
        one |= {"tera_operations_a_second": tera, "share_of_rate": tera / rate if rate else None}
        one["times_stock"] = variants["stock"]["seconds_per_clip"] / one["seconds_per_clip"]
    import diffusers
    import torch

    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"), "commit": _commit(),
        "harness_only": device != "cuda", "label": "" if device == "cuda" else HARNESS_ONLY,
        "model": case.name, "weights": "random", "size": str(case.size), "frames": case.frames,
        "steps": preset.schedule.steps, "guidance": preset.guidance, "tera_operations_a_call": a_call / 1e12,
        "device": _device_name(device), "card_tera_bf16_dense": rate, "variants": dict(variants),
        "libraries": {"torch": torch.__version__, "diffusers": diffusers.__version__}, "machine": machine(),
    }  # fmt: skip


def judged(result: Mapping[str, Any]) -> list[str]:
    """Each target, and whether it was reached; on the CPU they are named and not judged."""
    lines = []
    for level, target in TARGETS.items():
        found = result["variants"][level]["times_stock"]
        lines.append(f"{level}: {found:.2f} times stock (target {target:g}): {_verdict(found >= target, result)}")
    exact = result["variants"]["exact"]
    if exact["gpu_busy"] is None:
        lines.append(f"GPU busy: unknown (target {BUSY_TARGET:.0%}): {exact['gpu_busy_why']}")
    else:
        reached = _verdict(exact["gpu_busy"] >= BUSY_TARGET, result)
        lines.append(f"GPU busy at exact: {exact['gpu_busy']:.1%} (target {BUSY_TARGET:.0%}): {reached}")
    if result["variants"]["balanced"]["notes"].get("cache"):
        notes = result["variants"]["balanced"]["notes"]
        lines.append(
            f"balanced skipped {notes['skipped']} of {notes['calls']} calls on random weights; real ones decide anew"
        )
    return lines


def _verdict(reached: bool, result: Mapping[str, Any]) -> str:
    return HARNESS_ONLY if result["harness_only"] else ("reached" if reached else "MISSED")


def line_of(result: Mapping[str, Any]) -> str:
    """The result as one row of README.md's table."""
    found = result["variants"]
    times = " / ".join(f"{found[name]['seconds_per_clip']:.1f}" for name in found)
    faster = " / ".join(f"**{found[name]['times_stock']:.2f}**" for name in SPEEDS)
    shares = " / ".join(_percent(found[name]["share_of_rate"]) for name in found)
    peaks = " / ".join(
        "-" if one["peak_memory_gib"] is None else f"{one['peak_memory_gib']:.1f}" for one in found.values()
    )
    busy = " / ".join(_percent(found[name]["gpu_busy"]) for name in SPEEDS)
    what = f"{result['model']} {result['size']}x{result['frames']}, {result['steps']} steps"
    on = f"{result['device']}, torch {result['libraries']['torch']}, diffusers {result['libraries']['diffusers']}"
    label = f" ({result['label']})" if result["label"] else ""
    return (
        f"| {result['measured_at'][:10]} | {result['commit']} | {what}{label} | {times} | {faster} | {peaks} "
        f"| {shares} | {busy} | {on} |"
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def record(results: Sequence[Mapping[str, Any]], folder: Path) -> Path:
    """Write `results/gpu-<date>.json` (a second one of a day gets a number), and the rows where README.md is there."""
    day, number = time.strftime("%Y-%m-%d", time.gmtime()), 1
    path = folder / "results" / f"gpu-{day}.json"
    while path.exists():
        number += 1
        path = folder / "results" / f"gpu-{day}-{number}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(list(results), ensure_ascii=False, indent=2) + "\n", "utf-8")
    readme = folder / "README.md"
    if readme.exists():
        text = readme.read_text("utf-8")
        if text.count(MARK) != 1:
            raise SystemExit(f"{readme} has no line {MARK} at the end of its table: the rows have no place")
        rows = "".join(f"{line_of(result)}\n" for result in results)
        readme.write_text(text.replace(MARK, rows + MARK), "utf-8")
    print(f"recorded in {path}")
    return path


def _device_name(device: str) -> str:
    import torch

    return str(torch.cuda.get_device_name(0)) if device == "cuda" else str(machine()["cpu"])


def _free(device: str) -> None:
    """Give memory back and count peaks anew."""
    if device == "cuda":
        import torch

        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def _peak_gib(device: str) -> float | None:
    import torch

    return torch.cuda.max_memory_allocated() / 2**30 if device == "cuda" else None


if __name__ == "__main__":
    main()
