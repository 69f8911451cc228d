{
  "targets": [
    {
      "target_name": "datdot_blake3",
      "sources": [
        "blake3/addon.c", "blake3/slices_addon.c", "blake3/slices.c",
        "<!@(node sources.mjs sources)"
      ],
      "include_dirs": ["<!(node sources.mjs folder)"],
      "defines": ["NAPI_VERSION=8"],
      "cflags": ["-std=c11", "-O3", "-Wall", "-Wextra"],
      "xcode_settings": { "GCC_OPTIMIZATION_LEVEL": "3", "CLANG_CXX_LANGUAGE_STANDARD": "c++17" }
    },
    {
      "target_name": "datdot_rsa",
      "sources": ["rsa/addon.c", "rsa/batch.c", "rsa/key.c", "rsa/generate.c", "rsa/factor.c", "rsa/portable.c", "rsa/avx2.c", "rsa/ifma.c"],
      "cflags": ["-std=gnu11", "-O3", "-Wall", "-Wextra"],
      "xcode_settings": { "GCC_OPTIMIZATION_LEVEL": "3" }
    },
    {
      "target_name": "datdot_lend",
      "sources": ["lend/addon.c"],
      "defines": ["NAPI_VERSION=8"],
      "cflags": ["-std=gnu11", "-O3", "-Wall", "-Wextra"],
      "xcode_settings": { "GCC_OPTIMIZATION_LEVEL": "3" }
    }
  ]
}
