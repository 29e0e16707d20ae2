"""Which items of the readiness checklist the checks of contracts are evidence for: ids of findings, with `*`."""

PROVES: dict[str, tuple[str, ...]] = {
    "SVC-1": ("contracts/*/probes/probes.health/*", "contracts/*/dependencies/probes.health.without/*"),
    "SVC-2": ("contracts/*/dependencies/probes.ready.*",),
    "SVC-3": ("contracts/*/tools/tools.refuses/*", "contracts/*/tools/tools.gate/*"),
    "SVC-4": ("contracts/*/tools/tools.access/*",),
    "SVC-5": ("contracts/*/auth/*", "contracts/*/grpc/auth.*"),
    "REL-7": ("contracts/*/queue/queue.dead-letter/*", "contracts/*/queue/queue.unblocked/*"),
    "OBS-4": ("contracts/*/metrics/metrics.required/*",),
}
