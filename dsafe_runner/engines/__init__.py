"""Who answers: engines that turn Requests into Responses, each in a process of its own."""
