"""Campaign words and orchestration: the only place that knows Prefect, Ray and where results live."""
