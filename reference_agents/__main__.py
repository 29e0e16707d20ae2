import sys

from reference_agents.main import main

sys.exit(main())
