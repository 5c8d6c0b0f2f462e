"""What jacrs raises, and every text that its Python layer raises it with.

Each class is also the built-in one that NumPy code would expect, so `except ValueError` works.
An error met while a function is recorded ends with the place in that function:

    at model.py:12 in rhs: float(x[0])
"""

from jacrs._located import located as located
from jacrs.errors.adapters import (
    not_recorded as not_recorded,
)
from jacrs.errors.adapters import (
    not_supported as not_supported,
)
from jacrs.errors.adapters import (
    not_taken as not_taken,
)
from jacrs.errors.adapters import (
    plain_target as plain_target,
)
from jacrs.errors.adapters import (
    recorded_quantile as recorded_quantile,
)
from jacrs.errors.adapters import (
    wrong_target as wrong_target,
)
from jacrs.errors.arguments import (
    argnums_range as argnums_range,
)
from jacrs.errors.arguments import (
    argnums_repeat as argnums_repeat,
)
from jacrs.errors.arguments import (
    bad_argnums as bad_argnums,
)
from jacrs.errors.arguments import (
    bad_choice as bad_choice,
)
from jacrs.errors.arguments import (
    bad_count as bad_count,
)
from jacrs.errors.arguments import (
    is_subclass as is_subclass,
)
from jacrs.errors.arguments import (
    not_a_leaf as not_a_leaf,
)
from jacrs.errors.arguments import (
    not_a_tuple as not_a_tuple,
)
from jacrs.errors.arguments import (
    not_a_vector as not_a_vector,
)
from jacrs.errors.arguments import (
    not_callable as not_callable,
)
from jacrs.errors.arguments import (
    not_real as not_real,
)
from jacrs.errors.arguments import (
    wrong_count as wrong_count,
)
from jacrs.errors.arguments import (
    wrong_dtype as wrong_dtype,
)
from jacrs.errors.arguments import (
    wrong_shape as wrong_shape,
)
from jacrs.errors.arguments import (
    wrong_structure as wrong_structure,
)
from jacrs.errors.checks import (
    differing_calls as differing_calls,
)
from jacrs.errors.checks import (
    modes_disagree as modes_disagree,
)
from jacrs.errors.checks import (
    other_arrays as other_arrays,
)
from jacrs.errors.checks import (
    other_value as other_value,
)
from jacrs.errors.checks import (
    wrong_derivative as wrong_derivative,
)
from jacrs.errors.classes import (
    ArgumentError,
    BoundsError,
    DTypeError,
    FormatError,
    ImpureError,
    IndependentError,
    InternalError,
    JacrsError,
    LinAlgError,
    MemoryLimitError,
    NoTraceError,
    SaveError,
    ShapeError,
    TraceError,
    UnsupportedError,
)
from jacrs.errors.compiling import (
    consumes as consumes,
)
from jacrs.errors.compiling import (
    impure as impure,
)
from jacrs.errors.compiling import (
    not_followed as not_followed,
)
from jacrs.errors.compiling import (
    random_numbers as random_numbers,
)
from jacrs.errors.compiling import (
    too_many_courses as too_many_courses,
)
from jacrs.errors.compiling import (
    writes as writes,
)
from jacrs.errors.containers import (
    bad_flatten as bad_flatten,
)
from jacrs.errors.containers import (
    fixed_type as fixed_type,
)
from jacrs.errors.containers import (
    not_a_class as not_a_class,
)
from jacrs.errors.containers import (
    not_a_registrant as not_a_registrant,
)
from jacrs.errors.containers import (
    registered_already as registered_already,
)
from jacrs.errors.functional import (
    independent as independent,
)
from jacrs.errors.functional import (
    needs_vector as needs_vector,
)
from jacrs.errors.functional import (
    not_an_array as not_an_array,
)
from jacrs.errors.functional import (
    not_arrays as not_arrays,
)
from jacrs.errors.functional import (
    not_one_element as not_one_element,
)
from jacrs.errors.functional import (
    wrong_vectors as wrong_vectors,
)
from jacrs.errors.linear import (
    needs_copy as needs_copy,
)
from jacrs.errors.linear import (
    needs_scipy as needs_scipy,
)
from jacrs.errors.linear import (
    no_product as no_product,
)
from jacrs.errors.linear import (
    not_numbers as not_numbers,
)
from jacrs.errors.linear import (
    not_one_array as not_one_array,
)
from jacrs.errors.linear import (
    out_of_bounds as out_of_bounds,
)
from jacrs.errors.mapping import (
    bad_axis as bad_axis,
)
from jacrs.errors.mapping import (
    bad_size as bad_size,
)
from jacrs.errors.mapping import (
    different_sizes as different_sizes,
)
from jacrs.errors.mapping import (
    differs_in_lanes as differs_in_lanes,
)
from jacrs.errors.mapping import (
    no_axis as no_axis,
)
from jacrs.errors.mapping import (
    no_lanes as no_lanes,
)
from jacrs.errors.mapping import (
    no_place as no_place,
)
from jacrs.errors.mapping import (
    not_mappable as not_mappable,
)
from jacrs.errors.mapping import (
    not_recordable as not_recordable,
)
from jacrs.errors.mapping import (
    nothing_mapped as nothing_mapped,
)
from jacrs.errors.outs import (
    no_out_pair as no_out_pair,
)
from jacrs.errors.outs import (
    not_an_out as not_an_out,
)
from jacrs.errors.outs import (
    out_of_recording as out_of_recording,
)
from jacrs.errors.outs import (
    overlapping_outs as overlapping_outs,
)
from jacrs.errors.outs import (
    readonly_out as readonly_out,
)
from jacrs.errors.outs import (
    wrong_out_dtype as wrong_out_dtype,
)
from jacrs.errors.outs import (
    wrong_out_shape as wrong_out_shape,
)
from jacrs.errors.patterns import (
    asymmetric_pattern as asymmetric_pattern,
)
from jacrs.errors.patterns import (
    bad_blocksize as bad_blocksize,
)
from jacrs.errors.patterns import (
    needs_matplotlib as needs_matplotlib,
)
from jacrs.errors.patterns import (
    no_blocks as no_blocks,
)
from jacrs.errors.patterns import (
    not_a_pattern as not_a_pattern,
)
from jacrs.errors.patterns import (
    other_data as other_data,
)
from jacrs.errors.patterns import (
    other_matrix as other_matrix,
)
from jacrs.errors.patterns import (
    other_structure as other_structure,
)
from jacrs.errors.patterns import (
    outside_pattern as outside_pattern,
)
from jacrs.errors.patterns import (
    pattern_axes as pattern_axes,
)
from jacrs.errors.patterns import (
    pattern_shape as pattern_shape,
)
from jacrs.errors.patterns import (
    pattern_while_recording as pattern_while_recording,
)
from jacrs.errors.patterns import (
    read_only_data as read_only_data,
)
from jacrs.errors.patterns import (
    recorded_matrix as recorded_matrix,
)
from jacrs.errors.patterns import (
    recorded_sparse as recorded_sparse,
)
from jacrs.errors.patterns import (
    structured_pattern as structured_pattern,
)
from jacrs.errors.results import (
    argument_changed as argument_changed,
)
from jacrs.errors.results import (
    no_pair as no_pair,
)
from jacrs.errors.results import (
    not_a_result as not_a_result,
)
from jacrs.errors.results import (
    not_scalar as not_scalar,
)
from jacrs.errors.results import (
    not_smooth as not_smooth,
)
from jacrs.errors.results import (
    result_not_real as result_not_real,
)
from jacrs.errors.results import (
    returned_nothing as returned_nothing,
)
from jacrs.errors.saving import (
    damaged as damaged,
)
from jacrs.errors.saving import (
    is_loaded as is_loaded,
)
from jacrs.errors.saving import (
    map_not_savable as map_not_savable,
)
from jacrs.errors.saving import (
    missing_class as missing_class,
)
from jacrs.errors.saving import (
    no_trace as no_trace,
)
from jacrs.errors.saving import (
    not_importable as not_importable,
)
from jacrs.errors.saving import (
    not_picklable as not_picklable,
)
from jacrs.errors.saving import (
    not_savable as not_savable,
)
from jacrs.errors.saving import (
    nothing_to_save as nothing_to_save,
)
from jacrs.errors.saving import (
    other_class as other_class,
)
from jacrs.errors.saving import (
    too_large_file as too_large_file,
)
from jacrs.errors.saving import (
    too_nested as too_nested,
)
from jacrs.errors.scope import (
    axes_in_index as axes_in_index,
)
from jacrs.errors.scope import (
    no_array_of as no_array_of,
)
from jacrs.errors.scope import (
    second_matrix as second_matrix,
)
from jacrs.errors.scope import (
    vectorize_signature as vectorize_signature,
)
from jacrs.errors.tapes import (
    needs_gradients as needs_gradients,
)
from jacrs.errors.tapes import (
    not_an_output as not_an_output,
)
from jacrs.errors.tapes import (
    not_watched as not_watched,
)
from jacrs.errors.tapes import (
    tape_again as tape_again,
)
from jacrs.errors.tapes import (
    tape_not_started as tape_not_started,
)
from jacrs.errors.tapes import (
    tape_outside as tape_outside,
)
from jacrs.errors.tapes import (
    unconnected as unconnected,
)
from jacrs.errors.words import (
    article as article,
)
from jacrs.errors.words import (
    describe as describe,
)

__all__ = [
    "ArgumentError",
    "BoundsError",
    "DTypeError",
    "FormatError",
    "ImpureError",
    "IndependentError",
    "InternalError",
    "JacrsError",
    "LinAlgError",
    "MemoryLimitError",
    "NoTraceError",
    "SaveError",
    "ShapeError",
    "TraceError",
    "UnsupportedError",
]
