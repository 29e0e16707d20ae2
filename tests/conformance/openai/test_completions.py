"""Completions of before chat, and Azure's client."""

from __future__ import annotations

from openai import AzureOpenAI, OpenAI

from mock_llm import MockLLM


def test_several_prompts_have_n_choices_each_and_echo(client: OpenAI, mock: MockLLM) -> None:
    mock.rule(answer=" there was a bear")
    answer = client.completions.create(
        model="gpt-3.5-turbo-instruct", prompt=["Once", "Then"], n=2, echo=True, logprobs=2
    )
    assert [choice.text for choice in answer.choices] == ["Once there was a bear"] * 2 + ["Then there was a bear"] * 2
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert "".join(logprobs.tokens or ()) == "Once there was a bear"
    assert logprobs.text_offset == [0, 4, 10, 14, 16]


def test_a_stream_is_the_whole_text(mock: MockLLM) -> None:
    # Not the strict client: its types know no chunk without a finish reason, and OpenAI sends such.
    client = OpenAI(base_url=mock.openai_base_url, api_key="k", max_retries=0)
    mock.rule(answer="one two three four five")
    stream = client.completions.create(
        model="gpt-3.5-turbo-instruct",
        prompt="count",
        max_tokens=3,
        stream=True,
        stream_options={"include_usage": True},
    )
    got = [chunk.model_dump() for chunk in stream]
    client.close()
    assert "".join(chunk["choices"][0]["text"] for chunk in got[:-1]) == "one two three"
    assert got[-2]["choices"][0]["finish_reason"] == "length"
    assert got[-1]["usage"]["completion_tokens"] == 3


def test_azures_client_reaches_every_endpoint(mock: MockLLM) -> None:
    root = mock.openai_base_url.removesuffix("/v1")
    with AzureOpenAI(azure_endpoint=root, api_key="k", api_version="2025-04-01-preview", max_retries=0) as azure:
        chat = azure.chat.completions.create(model="prod-gpt", messages=[{"role": "user", "content": "hello"}])
        assert (chat.model, chat.choices[0].message.content) == ("prod-gpt", "This is a mock answer to: hello")
        stream = azure.chat.completions.create(
            model="prod-gpt", messages=[{"role": "user", "content": "hello"}], stream=True
        )
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream).endswith("hello")
        assert len(azure.embeddings.create(model="text-embedding-3-small", input="a bear").data[0].embedding) == 1536
        made = azure.responses.create(model="prod-gpt", input="hello")
        assert azure.responses.retrieve(made.id).output_text == "This is a mock answer to: hello"
        assert "gpt-4o" in {model.id for model in azure.models.list()}
        assert azure.completions.create(model="prod-gpt", prompt="hello").choices[0].text
