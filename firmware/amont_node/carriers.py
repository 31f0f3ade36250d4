# The carrier that a configuration names. Each is imported only where it is the one: a node has the
# heap for one of them.


# now_ms: the node's link_ms. feed: called while a carrier takes its time. dog: the watchdog, None
# while somebody may be at the cable. ConfigError: what is configured could never work.
def open_carrier(config, folder: str, hal, now_ms, feed, dog):  # type: ignore[no-untyped-def]
    kind = config.carrier["kind"]
    if kind == "mqtt":
        from amont_node.mqtt_carrier import MqttCarrier

        return MqttCarrier(config.carrier, config.id, folder, hal.wlan())
    if kind == "lora":
        from amont_node.lora_carrier import LoraCarrier

        def nap(ms: int) -> None:
            hal.rest(ms, dog)

        may_nap = hal.SLEEPS and dog is not None
        return LoraCarrier(config.carrier, config.id, now_ms, feed, None, nap if may_nap else None)
    if kind == "lorawan":
        from amont_node.lorawan_carrier import LorawanCarrier

        return LorawanCarrier(config.carrier, config.id, folder)
    from amont_node.plain_sim import PlainSim

    return PlainSim(config.carrier, config.id)
