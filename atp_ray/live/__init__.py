"""Live simulations without Ray: interventions, the state they lead to, the event log, conditions and monitors."""
