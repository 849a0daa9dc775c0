/** Starts the bench: finds Vulkan where a machine without a screen may hide it, and passes all options on. */
export const script = `#!/bin/sh
# Graft's portable bench. Usage: ./run.sh [--short] [--minutes=6] [--out=FOLDER] [--parts=NAME,NAME]
here=$(cd "$(dirname "$0")" && pwd)
libraries() { PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null | grep -q "$1"; }
add_libraries() { LD_LIBRARY_PATH="$1\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"; export LD_LIBRARY_PATH; }

# Containers may have NVIDIA's libraries in a folder of their own.
for folder in /usr/local/nvidia/lib64 /usr/local/nvidia/lib; do
  [ -d "$folder" ] && add_libraries "$folder"
done
# Vulkan's loader, where the system has none.
libraries 'libvulkan\\.so\\.1' || add_libraries "$here/lib"

# The loader finds drivers by their manifests, and NVIDIA's may lie elsewhere, or nowhere.
if [ -e /dev/nvidiactl ] && [ -z "$VK_DRIVER_FILES$VK_ICD_FILENAMES" ]; then
  found=
  for folder in /usr/share /usr/local/share /etc; do
    for file in "$folder"/vulkan/icd.d/nvidia_icd*.json; do [ -e "$file" ] && found=$file; done
  done
  if [ -z "$found" ]; then
    for file in /usr/local/nvidia/share/vulkan/icd.d/nvidia_icd*.json /opt/nvidia/share/vulkan/icd.d/nvidia_icd*.json; do
      [ -e "$file" ] && found=$file
    done
    if [ -z "$found" ]; then
      found=\${TMPDIR:-/tmp}/graft-nvidia-icd.json
      echo '{"file_format_version":"1.0.0","ICD":{"library_path":"libGLX_nvidia.so.0","api_version":"1.3"}}' >"$found"
    fi
    VK_DRIVER_FILES=$found VK_ICD_FILENAMES=$found
    export VK_DRIVER_FILES VK_ICD_FILENAMES
  fi
fi
exec "$here/node" "$here/app/code/bundle/run.js" "$@"
`;

/** What is in the folder, and what comes out. */
export const readme = `Graft's portable bench: tests and measures Graft's WebGPU kernels through Vulkan, without a network and without a screen.

    ./run.sh                       on a GPU, about 6 minutes at most
    ./run.sh --short               small shapes, for software adapters and a first try
    ./run.sh --minutes=10          another limit of time; what no longer fits is left out, by name
    ./run.sh --out=FOLDER          where result.json and result.txt are written; the current folder by default
    ./run.sh --parts=device,peers  only these: kernel-tests, golden, device, peers, candidates, engine-tests

It needs Linux on x64 with glibc from 2.34 on and a Vulkan driver. It takes the first hardware adapter. result.json has the form of
what "Benchmark this device" copies in Graft's page, result.txt the same as tables.
`;
