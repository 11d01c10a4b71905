// Muon (Jordan et al. 2024) of matrices [n, m] of one shape, see org.knowcap.models.engine.cuda.HiddenStack. X is the stack of them,
// one dense matrix behind the other; the matmuls of an orthogonalisation go between these kernels.

// Where a matrix lies in the flat buffers, and the numbers from one of its rows to the next.
struct HiddenMatrix {
  int from, stride;
};

// Where number i of the stack lies in the flat buffers.
DEVICE Index placeOf(const HiddenMatrix* matrices, Index i, int rows, int columns) {
  Index size = (Index)rows * columns;
  HiddenMatrix matrix = matrices[i / size];
  return matrix.from + i % size / columns * matrix.stride + i % columns;
}

// M = keep M + (1 - keep) g; X = share M + (1 - share) g; share is 1 without Nesterov's momentum.
KERNEL void muon_momentum(float* gradients, const float* scale, const HiddenMatrix* matrices, float* moments, float* x,
    Index count, int rows, int columns, float keep, float share) {
  ofReplica(gradients, scale, matrices, moments, x);
  Index i = thread();
  if (i >= count) return;
  Index at = placeOf(matrices, i, rows, columns);
  float g = takeGradient(gradients, scale, at);
  float m = moments[at] = keep * moments[at] + (1 - keep) * g;
  x[i] = share * m + (1 - share) * g;
}

// X /= safety times its length, or `least` if that is more. A block of 1024 threads takes a matrix.
KERNEL void muon_normalise(float* x, int size, double safety, double least) {
  ofReplica(x);
  float* own = x + (Index)blockIdx.x * size;
  double sum = 0;
  for (int i = threadIdx.x; i < size; i += blockDim.x) sum += (double)own[i] * own[i];
  float factor = (float)(1 / fmax(sqrt(blockSum(sum)) * safety, least));
  for (int i = threadIdx.x; i < size; i += blockDim.x) own[i] *= factor;
}

// square = a + b gram + c square, of squares of so many rows.
KERNEL void muon_polynomial(const float* gram, float* square, Index count, int side, float a, float b, float c) {
  ofReplica(gram, square);
  Index i = thread();
  if (i >= count) return;
  float x = b * gram[i] + c * square[i];
  square[i] = i / side % side == i % side ? x + a : x;
}

// p -= rate factor X, after weight decay.
KERNEL void muon(float* parameters, bf16* copy, const HiddenMatrix* matrices, const float* x, const StepScalars* stepScalars,
    Index count, int rows, int columns, float factor) {
  ofReplica(parameters, copy, matrices, x, stepScalars);
  Index i = thread();
  if (i >= count) return;
  Index at = placeOf(matrices, i, rows, columns);
  float p = parameters[at] * stepScalars->keep[1] - stepScalars->own * factor * x[i];
  parameters[at] = p;
  if (copy) copy[at] = toBf16(p);
}
