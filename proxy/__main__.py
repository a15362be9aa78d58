"""``python -m proxy`` is ``certgate``."""

from proxy.cli.main import main

if __name__ == "__main__":
    main()
