"""Where a Keras model calls its layers: what goes into each, and what comes out, as symbols."""

from typing import Any


def calls(model: Any) -> dict[str, Any]:
    """The calls of layers and other operations that a built model's outputs depend on, by name.

    `call.input_tensors` and `call.output_tensors` are the symbols. Not `layer.output`: that belongs to the layer's
    first call, which may have been in another model. Of a layer that is called twice the call nearest to the outputs
    counts.
    """
    waiting, seen, found = list(model.outputs), set[int](), dict[str, Any]()
    while waiting:
        operation, place, _ = waiting.pop()._keras_history
        call = operation._inbound_nodes[place]
        if id(call) not in seen:
            seen.add(id(call))
            found.setdefault(operation.name, call)
            waiting += call.input_tensors
    return found
