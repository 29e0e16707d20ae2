"""The AgentRunner: plan, act, observe; its memory and its schemas."""
