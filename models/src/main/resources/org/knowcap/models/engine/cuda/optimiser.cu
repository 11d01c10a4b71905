// Clipping and the updates of the flat buffers. A gradient is multiplied by *scale first, where gradients are clipped.

DEVICE float clipped(const float* gradients, const float* scale, Index i) {
  return scale ? gradients[i] * *scale : gradients[i];
}

// The same, and zero is left for the next step.
DEVICE float takeGradient(float* gradients, const float* scale, Index i) {
  float g = clipped(gradients, scale, i);
  gradients[i] = 0;
  return g;
}

// parts[block] = sum of g^2 over every so many stretches of the gradient, by 256 threads.
KERNEL void squares(const float* gradients, double* parts, Index count) {
  ofReplica(gradients, parts);
  float sum = 0;
  for (Index i = thread(); i < count; i += (Index)gridDim.x * blockDim.x) sum += gradients[i] * gradients[i];
  double total = blockSum(sum);
  if (threadIdx.x == 0) parts[blockIdx.x] = total;
}

// norm = the gradient's length, the root of the sum of parts; scale makes it no longer than `most`. By one block.
KERNEL void clip(const double* parts, int count, double* norm, float* scale, double most) {
  ofReplica(parts, norm, scale);
  double sum = 0;
  for (int i = threadIdx.x; i < count; i += blockDim.x) sum += parts[i];
  double length = sqrt(blockSum(sum));
  if (threadIdx.x == 0) {
    *norm = length;
    *scale = length > most ? (float)(most / length) : 1;
  }
}

// A parameter p shrinks by its group's keep first: embeddings come before `matrices`, vectors from `vectors` on. With `copy`
// the parameters' bf16 copy is renewed.
DEVICE void update(float* parameters, bf16* copy, const StepScalars* stepScalars, Index matrices, Index vectors, Index i, float by) {
  float p = parameters[i] * stepScalars->keep[(i >= matrices) + (i >= vectors)] - stepScalars->rate * by;
  parameters[i] = p;
  if (copy) copy[i] = toBf16(p);
}

// m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2; p -= rate m / (sqrt(v) correction + epsilon)
KERNEL void adamw(float* parameters, float* gradients, const float* scale, float* first, bf16* copy,
    const StepScalars* stepScalars, Index count, Index matrices, Index vectors, float* second, float beta1, float beta2,
    float epsilon) {
  ofReplica(parameters, gradients, scale, first, copy, stepScalars, second);
  Index i = thread();
  if (i >= count) return;
  float g = takeGradient(gradients, scale, i);
  float m = first[i] = beta1 * first[i] + (1 - beta1) * g;
  float v = second[i] = beta2 * second[i] + (1 - beta2) * g * g;
  update(parameters, copy, stepScalars, matrices, vectors, i, m / (sqrtf(v) * stepScalars->correction + epsilon));
}

// p -= rate sign(beta1 m + (1 - beta1) g); m = beta2 m + (1 - beta2) g. Tiger is the same with one beta.
KERNEL void lion(float* parameters, float* gradients, const float* scale, float* first, bf16* copy,
    const StepScalars* stepScalars, Index count, Index matrices, Index vectors, float beta1, float beta2) {
  ofReplica(parameters, gradients, scale, first, copy, stepScalars);
  Index i = thread();
  if (i >= count) return;
  float g = takeGradient(gradients, scale, i), m = first[i];
  float blend = beta1 * m + (1 - beta1) * g;
  first[i] = beta2 * m + (1 - beta2) * g;
  update(parameters, copy, stepScalars, matrices, vectors, i, (blend > 0) - (blend < 0));
}

// m = momentum m + g; p -= rate m
KERNEL void sgd(float* parameters, float* gradients, const float* scale, float* first, bf16* copy,
    const StepScalars* stepScalars, Index count, Index matrices, Index vectors, float momentum) {
  ofReplica(parameters, gradients, scale, first, copy, stepScalars);
  Index i = thread();
  if (i >= count) return;
  float m = first[i] = momentum * first[i] + takeGradient(gradients, scale, i);
  update(parameters, copy, stepScalars, matrices, vectors, i, m);
}
