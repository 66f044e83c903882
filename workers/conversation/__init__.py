"""The conversation on a pull request: commands of people, what they may, what they are answered."""
