import sys

from refstack.main import main

sys.exit(main())
