"""The help desk agent works, and each of its broken ways is really there."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

NAME = "fastapi_agent"
QUESTION = {"question": "The printer on floor 3 is on fire."}
FILE = ("file_ticket", {"summary": "printer on fire"})


def _job(url: str, location: str) -> dict[str, Any]:
    """The job, once it is over."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        job: dict[str, Any] = httpx.get(url + location).raise_for_status().json()
        if job["state"] in ("done", "failed"):
            return job
        time.sleep(0.05)
    pytest.fail(f"the job is still {job['state']}")


def test_an_answer_by_the_llm(start: Any, llm: Any) -> None:
    llm.says("Have you tried water?")
    desk = start(NAME)
    answer = httpx.post(f"{desk.url}/ask", json=QUESTION)
    assert (answer.json()["state"], answer.json()["answer"]) == ("done", "Have you tried water?")
    assert llm.requests[0]["messages"] == [{"role": "user", "content": QUESTION["question"]}]
    assert httpx.post(f"{desk.url}/ask", json={"question": ""}).status_code == 422


def test_a_job_files_one_ticket_though_the_llm_failed_after_it(start: Any, llm: Any) -> None:
    llm.says(FILE, 503, "Ticket 1 is filed.")
    desk = start(NAME)
    accepted = httpx.post(f"{desk.url}/jobs", json=QUESTION)
    assert accepted.status_code == 202
    job = _job(desk.url, accepted.headers["location"])
    assert (job["state"], job["answer"]) == ("done", "Ticket 1 is filed.")
    [ticket] = httpx.get(f"{desk.url}/tickets").json()["entries"]
    assert (ticket["summary"], ticket["task_id"]) == ("printer on fire", job["id"])


def test_broken_retry_whole_turn_files_the_ticket_twice(start: Any, llm: Any) -> None:
    llm.says(FILE, 503, FILE, "Ticket 2 is filed.")
    desk = start(NAME, "--broken", "retry-whole-turn")
    accepted = httpx.post(f"{desk.url}/jobs", json=QUESTION)
    job = _job(desk.url, accepted.headers["location"])
    assert job["state"] == "done"  # all looks well from outside
    tickets = httpx.get(f"{desk.url}/tickets").json()["entries"]
    assert [ticket["task_id"] for ticket in tickets] == [job["id"]] * 2


def test_a_failing_llm_fails_the_question_and_the_job(start: Any, llm: Any) -> None:
    llm.says(500)
    desk = start(NAME)
    assert httpx.post(f"{desk.url}/ask", json=QUESTION).status_code == 502
    job = _job(desk.url, httpx.post(f"{desk.url}/jobs", json=QUESTION).headers["location"])
    assert job["state"] == "failed"
    assert "500" in job["error"]


def _flood(url: str) -> tuple[list[httpx.Response], list[int]]:
    """30 jobs for 2 busy workers and a queue of 20: the answers, and what a GET says of each accepted one."""
    answers = [httpx.post(f"{url}/jobs", json=QUESTION) for _ in range(30)]
    accepted = [answer for answer in answers if answer.status_code == 202]
    return answers, [httpx.get(url + answer.headers["location"]).status_code for answer in accepted]


def test_too_many_jobs_are_refused_and_no_accepted_one_is_lost(start: Any, llm: Any) -> None:
    desk = start(NAME)
    llm.open.clear()
    answers, found = _flood(desk.url)
    refused = [answer for answer in answers if answer.status_code == 503]
    assert len(refused) == 8
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert found == [200] * 22
    llm.open.set()
    for answer in answers:
        if answer.status_code == 202:
            assert _job(desk.url, answer.headers["location"])["state"] == "done"


def test_broken_early_202_loses_accepted_jobs(start: Any, llm: Any) -> None:
    desk = start(NAME, "--broken", "early-202")
    llm.open.clear()
    answers, found = _flood(desk.url)
    assert {answer.status_code for answer in answers} == {202}
    assert found == [404] * 30
    llm.open.set()
    places = [desk.url + answer.headers["location"] for answer in answers]
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = [httpx.get(place).status_code for place in places]
        if found.count(200) == 22:
            break
        time.sleep(0.05)
    assert found.count(200) == 22
    assert found.count(404) == 8  # the queue was full: nobody will ever answer these
