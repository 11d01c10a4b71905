// One pass over the flat buffers. The first `decaying` parameters p shrink by dials[1] = 1 - rate * decay first. dials[0] is the
// learning rate (of AdamW times the first moment's correction for its start at zero), dials[2] the correction of the
// second moment's root. With `copy` the parameters' bf16 copy is renewed.
DEVICE void change(float* parameters, bf16* copy, const float* dials, Index decaying, Index i, float by) {
  float p = parameters[i] * (i < decaying ? dials[1] : 1) - dials[0] * by;
  parameters[i] = p;
  if (copy) copy[i] = narrow(p);
}

// m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2; p -= rate m / (sqrt(v) correction + epsilon)
KERNEL void adamw(float* parameters, const float* gradients, float* first, float* second, bf16* copy,
    const float* dials, Index count, Index decaying, float beta1, float beta2, float epsilon) {
  Index i = thread();
  if (i >= count) return;
  float g = gradients[i];
  float m = first[i] = beta1 * first[i] + (1 - beta1) * g;
  float v = second[i] = beta2 * second[i] + (1 - beta2) * g * g;
  change(parameters, copy, dials, decaying, i, m / (sqrtf(v) * dials[2] + epsilon));
}

// p -= rate sign(beta1 m + (1 - beta1) g); m = beta2 m + (1 - beta2) g. Tiger is the same with one beta.
KERNEL void lion(float* parameters, const float* gradients, float* first, bf16* copy, const float* dials, Index count,
    Index decaying, float beta1, float beta2) {
  Index i = thread();
  if (i >= count) return;
  float g = gradients[i], m = first[i];
  float blend = beta1 * m + (1 - beta1) * g;
  first[i] = beta2 * m + (1 - beta2) * g;
  change(parameters, copy, dials, decaying, i, (blend > 0) - (blend < 0));
}

// m = momentum m + g; p -= rate m
KERNEL void sgd(float* parameters, const float* gradients, float* first, bf16* copy, const float* dials, Index count,
    Index decaying, float momentum) {
  Index i = thread();
  if (i >= count) return;
  float m = first[i] = momentum * first[i] + gradients[i];
  change(parameters, copy, dials, decaying, i, m);
}
