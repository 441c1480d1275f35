"""An ONNX program as a function of JAX arrays."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence

import jax
import numpy as np
import onnx
from onnx import numpy_helper

from .operators import OPERATORS, Attributes, Options, UnknownOperator, Values


class Program:
    """A loaded ONNX file."""

    def __init__(self, path: str, precision: str = "float32") -> None:
        graph = onnx.load(path).graph
        self._options = Options(precision)
        self._constants = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
        self._nodes = [(node.op_type, list(node.input), list(node.output), _attributes(node)) for node in graph.node]
        self.inputs = [each.name for each in graph.input if each.name not in self._constants]
        self.outputs = [each.name for each in graph.output]
        unknown = sorted({op for op, *_ in self._nodes} - OPERATORS.keys() - {"Constant"})
        if unknown:
            raise UnknownOperator(f"{path} has operators that are not in the table: {', '.join(unknown)}.")
        self._last_use = self._find_last_uses()

    def _find_last_uses(self) -> dict[str, int]:
        return {name: at for at, (_, inputs, _, _) in enumerate(self._nodes) for name in inputs}

    def __call__(self, given: Mapping[str, Any], wanted: Sequence[str] | None = None) -> dict[str, Any]:
        """Computes the outputs of this name (all by default) from the inputs by name."""
        missing = [name for name in self.inputs if name not in given]
        if missing:
            raise ValueError(f"The program is not given: {', '.join(missing[:8])}.")
        wanted = self.outputs if wanted is None else wanted
        keep = set(wanted)
        values: dict[str, Any] = {**self._constants, **given, "": None}
        for at, (op, inputs, outputs, attributes) in enumerate(self._nodes):
            if op == "Constant":
                values[outputs[0]] = attributes["value"]
                continue
            result = OPERATORS[op]([values[name] for name in inputs], attributes, self._options)
            results = result if isinstance(result, tuple) else (result,)
            values.update(zip(outputs, results))
            for name in set(inputs):
                if name and self._last_use[name] == at and name not in keep:
                    values.pop(name, None)
        return {name: values[name] for name in wanted}

    def count_products(self, shapes: Mapping[str, tuple[int, ...]], dtypes: Mapping[str, Any]) -> float:
        """Floating-point operations of one run's matrix products and convolutions: two for each multiply and add."""
        total = 0.0

        def counting(name: str, run: Callable[..., Any]) -> Callable[..., Any]:
            def counted(values: Values, attributes: Attributes, options: Options) -> Any:
                nonlocal total
                result = run(values, attributes, options)
                if name == "MatMul":
                    total += 2.0 * float(np.prod(result.shape)) * values[0].shape[-1]
                elif name == "Gemm":
                    total += 2.0 * float(np.prod(result.shape)) * values[0].shape[0 if attributes.get("transA") else 1]
                else:
                    total += 2.0 * float(np.prod(result.shape)) * float(np.prod(values[1].shape[1:]))
                return result

            return counted

        before = {name: OPERATORS[name] for name in ("MatMul", "Gemm", "Conv")}
        try:
            OPERATORS.update({name: counting(name, run) for name, run in before.items()})
            specs = {name: jax.ShapeDtypeStruct(shapes[name], dtypes[name]) for name in self.inputs}
            jax.eval_shape(lambda given: self(given), specs)
        finally:
            OPERATORS.update(before)
        return total


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for attribute in node.attribute:
        value = onnx.helper.get_attribute_value(attribute)
        if isinstance(value, onnx.TensorProto):
            value = numpy_helper.to_array(value)
        found[attribute.name] = value.decode() if isinstance(value, bytes) else value
    return found
