"""Metrics of inference servers, as they write them."""

import pytest

from outgate.upstreams.picking.load import Load, load_of

VLLM = """# HELP vllm:num_requests_waiting Number of requests waiting to be processed.
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_running{engine="0",model_name="m"} 3.0
vllm:num_requests_waiting{engine="0",model_name="m"} 2.0
vllm:num_requests_waiting{engine="1",model_name="m"} 5.0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.5
"""
TRITON = """# TYPE nv_trt_llm_request_metrics gauge
nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="waiting",version="1"} 4
nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="max",version="1"} 512
nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="max",model="tensorrt_llm",version="1"} 6239
nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="fraction",model="tensorrt_llm",version="1"} 0.25
nv_inference_pending_request_count{model="tensorrt_llm",version="1"} 9
"""


@pytest.mark.parametrize(
    ("text", "load"),
    [
        (VLLM, Load(7.0, 0.5)),
        ("vllm:num_requests_waiting 1\nvllm:gpu_cache_usage_perc 0.75\n", Load(1.0, 0.75)),
        ('sglang:num_queue_reqs{model_name="m"} 4\nsglang:token_usage{model_name="m"} 0.28\n', Load(4.0, 0.28)),
        ("llamacpp:requests_processing 1\nllamacpp:requests_deferred 6\n", Load(6.0, 0.0)),
        ('nv_inference_pending_request_count{model="m"} 3\n', Load(3.0, 0.0)),
        ("trtllm_num_requests_waiting 5\ntrtllm_kv_cache_utilization 0.5\n", Load(5.0, 0.5)),
        (TRITON, Load(4.0, 0.25)),
        ("vllm:kv_cache_usage_perc 7\n", Load(0.0, 1.0)),
    ],
)
def test_each_server_tells_its_load(text, load):
    assert load == load_of(text)


@pytest.mark.parametrize("text", ["", "<html>", "vllm:num_requests_waiting NaN", "vllm:num_requests_waiting -1", "other 1"])
def test_what_tells_nothing_is_no_load(text):
    assert load_of(text) is None
