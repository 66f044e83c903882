"""Floor 2, the hands: Celery jobs, the GitHub client, git, publishing."""
