// Compiles SPIR-V compute shaders with the Vulkan driver that is configured, and writes what its compiler says: of each
// FILE.spv the statistics to FILE.json and the assembly to FILE.asm. Nothing runs. With Mesa's RADV and
// RADV_FORCE_FAMILY the GPU need not exist. Usage: compilePipeline ENTRY_POINT FILE.spv…
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

#define MAX_SETS 4
#define MAX_BINDINGS 32
#define MAX_STATISTICS 64
#define MAX_TEXTS 16

static void check(VkResult result, const char *what) {
  if (result == VK_SUCCESS) return;
  fprintf(stderr, "%s failed: %d\n", what, result);
  exit(1);
}

typedef struct {
  uint32_t *words;
  size_t count;
} Shader;

static Shader read_shader(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) {
    perror(path);
    exit(1);
  }
  fseek(file, 0, SEEK_END);
  const size_t size = ftell(file);
  rewind(file);
  Shader shader = {malloc(size), size / 4};
  if (fread(shader.words, 1, size, file) != size || size < 20) {
    fprintf(stderr, "%s is no SPIR-V\n", path);
    exit(1);
  }
  fclose(file);
  return shader;
}

static VkDevice open_device(void) {
  const VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_3};
  const VkInstanceCreateInfo instance_info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                              .pApplicationInfo = &application};
  VkInstance instance;
  check(vkCreateInstance(&instance_info, NULL, &instance), "vkCreateInstance");
  VkPhysicalDevice physical;
  uint32_t count = 1;
  vkEnumeratePhysicalDevices(instance, &count, &physical);
  if (count == 0) {
    fprintf(stderr, "the Vulkan driver shows no device\n");
    exit(1);
  }
  VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR executable = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR};
  VkPhysicalDeviceVulkan13Features v13 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES,
                                          .pNext = &executable};
  VkPhysicalDeviceVulkan12Features v12 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
                                          .pNext = &v13};
  VkPhysicalDeviceVulkan11Features v11 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
                                          .pNext = &v12};
  VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &v11};
  vkGetPhysicalDeviceFeatures2(physical, &features);
  // As Dawn opens devices: it checks bounds itself.
  features.features.robustBufferAccess = VK_FALSE;
  const float priority = 1;
  const VkDeviceQueueCreateInfo queue = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
  const char *extensions[] = {VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME};
  const VkDeviceCreateInfo device_info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                          .pNext = &features,
                                          .queueCreateInfoCount = 1,
                                          .pQueueCreateInfos = &queue,
                                          .enabledExtensionCount = 1,
                                          .ppEnabledExtensionNames = extensions};
  VkDevice device;
  check(vkCreateDevice(physical, &device_info, NULL, &device), "vkCreateDevice");
  return device;
}

/** The layout that a shader's decorations ask for: storage and uniform buffers. */
static VkPipelineLayout layout_of(VkDevice device, Shader shader) {
  enum { OP_VARIABLE = 59, OP_DECORATE = 71, BINDING = 33, DESCRIPTOR_SET = 34, UNIFORM = 2, STORAGE_BUFFER = 12 };
  const uint32_t bound = shader.words[3];
  uint32_t *binding = calloc(bound, sizeof(uint32_t)), *set = calloc(bound, sizeof(uint32_t));
  memset(binding, 0xff, bound * sizeof(uint32_t));
  VkDescriptorSetLayoutBinding bindings[MAX_SETS][MAX_BINDINGS];
  uint32_t counts[MAX_SETS] = {0};
  for (size_t at = 5; at < shader.count; at += shader.words[at] >> 16) {
    const uint32_t *word = shader.words + at;
    const uint32_t operation = word[0] & 0xffff;
    if (operation == OP_DECORATE && word[2] == BINDING) binding[word[1]] = word[3];
    if (operation == OP_DECORATE && word[2] == DESCRIPTOR_SET) set[word[1]] = word[3];
    if (operation != OP_VARIABLE || (word[3] != UNIFORM && word[3] != STORAGE_BUFFER)) continue;
    const uint32_t of = set[word[2]];
    if (of >= MAX_SETS || counts[of] == MAX_BINDINGS || binding[word[2]] == UINT32_MAX) {
      fprintf(stderr, "bindings that this program does not expect\n");
      exit(1);
    }
    bindings[of][counts[of]++] = (VkDescriptorSetLayoutBinding){
        .binding = binding[word[2]],
        .descriptorType = word[3] == UNIFORM ? VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
        .descriptorCount = 1,
        .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT};
  }
  VkDescriptorSetLayout sets[MAX_SETS];
  for (int i = 0; i < MAX_SETS; i++) {
    const VkDescriptorSetLayoutCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
                                                  .bindingCount = counts[i],
                                                  .pBindings = bindings[i]};
    check(vkCreateDescriptorSetLayout(device, &info, NULL, &sets[i]), "vkCreateDescriptorSetLayout");
  }
  // Dawn passes lengths of buffers in push constants.
  const VkPushConstantRange constants = {.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .size = 128};
  const VkPipelineLayoutCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                           .setLayoutCount = MAX_SETS,
                                           .pSetLayouts = sets,
                                           .pushConstantRangeCount = 1,
                                           .pPushConstantRanges = &constants};
  VkPipelineLayout layout;
  check(vkCreatePipelineLayout(device, &info, NULL, &layout), "vkCreatePipelineLayout");
  free(binding);
  free(set);
  return layout;
}

static VkPipeline compile(VkDevice device, const char *path, const char *entry) {
  const Shader shader = read_shader(path);
  const VkShaderModuleCreateInfo module_info = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                                .codeSize = shader.count * 4,
                                                .pCode = shader.words};
  VkShaderModule module;
  check(vkCreateShaderModule(device, &module_info, NULL, &module), "vkCreateShaderModule");
  const VkComputePipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .flags = VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR |
               VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR,
      .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = module,
                .pName = entry},
      .layout = layout_of(device, shader)};
  VkPipeline pipeline;
  check(vkCreateComputePipelines(device, VK_NULL_HANDLE, 1, &info, NULL, &pipeline), "vkCreateComputePipelines");
  free(shader.words);
  return pipeline;
}

static FILE *beside(const char *path, const char *ending) {
  char name[4096];
  snprintf(name, sizeof name, "%s%s", path, ending);
  FILE *file = fopen(name, "w");
  if (file) return file;
  perror(name);
  exit(1);
}

static void write_statistics(VkDevice device, const VkPipelineExecutableInfoKHR *executable, FILE *file) {
  const PFN_vkGetPipelineExecutableStatisticsKHR get =
      (PFN_vkGetPipelineExecutableStatisticsKHR)vkGetDeviceProcAddr(device, "vkGetPipelineExecutableStatisticsKHR");
  VkPipelineExecutableStatisticKHR statistics[MAX_STATISTICS];
  for (int i = 0; i < MAX_STATISTICS; i++)
    statistics[i] =
        (VkPipelineExecutableStatisticKHR){.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR};
  uint32_t count = MAX_STATISTICS;
  check(get(device, executable, &count, statistics), "vkGetPipelineExecutableStatisticsKHR");
  const char *separator = "{";
  for (uint32_t i = 0; i < count; i++) {
    if (statistics[i].format != VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR) continue;
    fprintf(file, "%s\"%s\":%llu", separator, statistics[i].name, (unsigned long long)statistics[i].value.u64);
    separator = ",";
  }
  fprintf(file, "}\n");
}

static void write_assembly(VkDevice device, const VkPipelineExecutableInfoKHR *executable, FILE *file) {
  const PFN_vkGetPipelineExecutableInternalRepresentationsKHR get =
      (PFN_vkGetPipelineExecutableInternalRepresentationsKHR)vkGetDeviceProcAddr(
          device, "vkGetPipelineExecutableInternalRepresentationsKHR");
  VkPipelineExecutableInternalRepresentationKHR texts[MAX_TEXTS];
  for (int i = 0; i < MAX_TEXTS; i++)
    texts[i] = (VkPipelineExecutableInternalRepresentationKHR){
        .sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR};
  uint32_t count = MAX_TEXTS;
  check(get(device, executable, &count, texts), "vkGetPipelineExecutableInternalRepresentationsKHR");
  for (uint32_t i = 0; i < count; i++) texts[i].pData = calloc(texts[i].dataSize + 1, 1);
  check(get(device, executable, &count, texts), "vkGetPipelineExecutableInternalRepresentationsKHR");
  for (uint32_t i = 0; i < count; i++) {
    if (strcmp(texts[i].name, "Assembly") == 0) fputs(texts[i].pData, file);
    free(texts[i].pData);
  }
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: compilePipeline ENTRY_POINT FILE.spv...\n");
    return 1;
  }
  const VkDevice device = open_device();
  for (int i = 2; i < argc; i++) {
    const VkPipelineExecutableInfoKHR executable = {.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR,
                                                    .pipeline = compile(device, argv[i], argv[1])};
    FILE *statistics = beside(argv[i], ".json"), *assembly = beside(argv[i], ".asm");
    write_statistics(device, &executable, statistics);
    write_assembly(device, &executable, assembly);
    fclose(statistics);
    fclose(assembly);
  }
  fflush(NULL);
  // The driver's null device does not survive its own destruction.
  _Exit(0);
}
