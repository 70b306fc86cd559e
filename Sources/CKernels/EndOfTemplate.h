#undef VEC
#undef INLINE
#undef LEAKY
#undef TARGET
#undef LANES
#undef ROWS
#undef SUFFIX
