// The exports of src/evidence/slice-hasher.ts.
#ifndef DATDOT_SLICES_ADDON_H
#define DATDOT_SLICES_ADDON_H

#include <node_api.h>
#include <stdbool.h>

bool define_slices(napi_env env, napi_value exports);

#endif
