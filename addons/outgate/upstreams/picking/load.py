"""Read the load of an inference server from its metrics: Prometheus text of vLLM, SGLang, llama.cpp, TensorRT-LLM or Triton."""

import re
from collections.abc import Mapping
from math import isfinite
from typing import NamedTuple

_LINE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{([^}\n]*)\})?[ \t]+(\S+)", re.MULTILINE)
_KINDS = {"nv_trt_llm_request_metrics": "request_type", "nv_trt_llm_kv_cache_block_metrics": "kv_cache_block_type"}
"""Metrics of Triton's TensorRT-LLM backend that tell several things, by a label."""
_WAITING = (
    "vllm:num_requests_waiting",
    "sglang:num_queue_reqs",
    "llamacpp:requests_deferred",
    "trtllm_num_requests_waiting",
    "nv_trt_llm_request_metrics=waiting",
    "nv_inference_pending_request_count",
)
_KV = (
    "vllm:kv_cache_usage_perc",
    "vllm:gpu_cache_usage_perc",
    "sglang:token_usage",
    "llamacpp:kv_cache_usage_ratio",
    "trtllm_kv_cache_utilization",
    "nv_trt_llm_kv_cache_block_metrics=fraction",
)


class Load(NamedTuple):
    """Requests that wait at a replica, and the share of its cache that is in use."""

    waiting: float
    kv: float


def load_of(text: str) -> Load | None:
    """The load; None where the text names none. Several engines behind one port: their queues add up, the fullest cache counts."""
    told: Mapping[str, list[float]] = {name: [] for name in (*_WAITING, *_KV)}
    for metric, labels, value in _LINE.findall(text):
        name = f"{metric}={_label(labels, _KINDS[metric])}" if metric in _KINDS else metric
        if name in told and (number := _number(value)) is not None:
            told[name].append(number)
    queues = next((told[name] for name in _WAITING if told[name]), None)
    caches = next((told[name] for name in _KV if told[name]), None)
    if queues is None and caches is None:
        return None
    return Load(sum(queues or ()), min(1.0, max(caches or (0.0,))))


def _label(labels: str, name: str) -> str:
    found = re.search(rf'(?:^|,)\s*{name}="([^"]*)"', labels)
    return found[1] if found is not None else ""


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if isfinite(number) and number >= 0 else None
