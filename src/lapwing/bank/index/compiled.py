"""How the index compiles its hot loops, and the two machine instructions that they ask for."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

_item_pointer: Any = cgutils.get_item_pointer


def compiled(function: Any) -> Any:
    """The function compiled without the interpreter's lock, kept on disk where that is possible."""
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:  # numba finds no writable folder for its cache
        return njit(nogil=True)(function)


def _population_count(typing_context: Any, word: Any) -> Any:
    """LLVM's population count; it becomes one vector instruction where the processor has it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


def _prefetch(typing_context: Any, array: Any, position: Any) -> Any:
    """Asks for the cache line of `array[position]` (one dimension) without waiting for it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        held = context.make_array(kind)(context, builder, arguments[0])
        place = _item_pointer(context, builder, kind, held, [arguments[1]])
        byte = builder.bitcast(place, ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        shape = ir.FunctionType(ir.VoidType(), [byte.type, number, number, number])
        ask = builder.module.declare_intrinsic("llvm.prefetch", [byte.type], shape)
        read, keep_near, data = number(0), number(3), number(1)
        builder.call(ask, [byte, read, keep_near, data])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


popcount: Any = intrinsic(_population_count)
prefetch: Any = intrinsic(_prefetch)
