"""`python -m mock_llm`."""

from mock_llm.cli import main

main()
