# The carrier that a configuration names. Each is imported only where it is the one: a node has the
# heap for one of them.


# now_ms: the node's link_ms. feed: called while a carrier takes its time. ConfigError: what is
# configured could never work.
def open_carrier(config, folder: str, hal, now_ms, feed):  # type: ignore[no-untyped-def]
    kind = config.carrier["kind"]
    if kind == "mqtt":
        from amont_node.mqtt_carrier import MqttCarrier

        return MqttCarrier(config.carrier, config.id, folder, hal.wlan())
    if kind == "lora":
        from amont_node.lora_carrier import LoraCarrier

        return LoraCarrier(config.carrier, config.id, now_ms, feed)
    if kind == "lorawan":
        from amont_node.lorawan_carrier import LorawanCarrier

        return LorawanCarrier(config.carrier, config.id, folder)
    from amont_node.radio_sim import RadioSim

    return RadioSim(config.carrier, config.id)
