// Adafactor (Shazeer and Stern, arXiv 1804.04235) over all parameters at a time. Of a parameter p [n, m]: R_i and C_j, its row
// and column moments, are running means of the rows' and columns' mean g^2 + e1; with u_ij = g_ij sqrt(mean of R / R_i) / sqrt(C_j)
//   p -= rate u / max(1, rms(u) / threshold),
// and with relative steps rate max(e2, rms(p)) for the rate. Rows of all parameters are counted on, and so are columns:
// parameterOf says whose a row or column is.

// As org.knowcap.models.engine.cuda.Factored lays them out.
struct Factored {
  int from, rows, columns;  // the first number, n, m
  int row, column;          // the first row and the first column among all
  int parts;                // where its columns' parts begin
  int group;                // 0 embeddings, 1 matrices, 2 vectors
};
#define STRETCH 128  // rows of a part

DEVICE float renewed(float moment, float mean, const StepScalars* stepScalars, float least) {
  return stepScalars->own * moment + (1 - stepScalars->own) * (mean + least);
}

// Renews R. A warp takes a row.
KERNEL void factor_rows(const float* gradients, const float* scale, const Factored* factored, const int* parameterOf,
    float* moments, const StepScalars* stepScalars, int count, float least) {
  ofReplica(gradients, scale, factored, parameterOf, moments, stepScalars);
  int row = thread() / 32, lane = threadIdx.x % 32;
  if (row >= count) return;
  Factored p = factored[parameterOf[row]];
  const float* g = gradients + p.from + (Index)(row - p.row) * p.columns;
  float sum = 0;
  for (int c = lane; c < p.columns; c += 32) {
    float x = clipped(g, scale, c);
    sum += x * x;
  }
  sum = warpSum(sum);
  if (lane == 0) moments[row] = renewed(moments[row], sum / p.columns, stepScalars, least);
}

// Sums of g^2 down stretches of columns, one a thread. A block's tile [3] is its parameter, first row and first column.
KERNEL void factor_parts(const float* gradients, const float* scale, const Factored* factored, const int* tiles,
    float* parts) {
  ofReplica(gradients, scale, factored, tiles, parts);
  const int* tile = tiles + 3 * blockIdx.x;
  Factored p = factored[tile[0]];
  int c = tile[2] + threadIdx.x;
  if (c >= p.columns) return;
  float sum = 0;
  for (int r = tile[1]; r < min(p.rows, tile[1] + STRETCH); r++) {
    float x = clipped(gradients + p.from, scale, (Index)r * p.columns + c);
    sum += x * x;
  }
  parts[p.parts + (Index)(tile[1] / STRETCH) * p.columns + c] = sum;
}

// Renews C; factors are 1 / sqrt(C). A thread takes a column.
KERNEL void factor_columns(const float* parts, const Factored* factored, const int* parameterOf, float* moments,
    float* factors, const StepScalars* stepScalars, int count, float least) {
  ofReplica(parts, factored, parameterOf, moments, factors, stepScalars);
  int column = thread();
  if (column >= count) return;
  Factored p = factored[parameterOf[column]];
  float sum = 0;
  for (int r = 0; r < p.rows; r += STRETCH) sum += parts[p.parts + (Index)(r / STRETCH) * p.columns + column - p.column];
  float moment = moments[column] = renewed(moments[column], sum / p.rows, stepScalars, least);
  factors[column] = 1 / sqrtf(moment);
}

// Of each row the sums of (g / sqrt(C))^2 and of p^2. A warp takes a row.
KERNEL void factor_squares(const float* parameters, const float* gradients, const float* scale, const Factored* factored,
    const int* parameterOf, const float* factors, float2* sums, int count) {
  ofReplica(parameters, gradients, scale, factored, parameterOf, factors, sums);
  int row = thread() / 32, lane = threadIdx.x % 32;
  if (row >= count) return;
  Factored p = factored[parameterOf[row]];
  Index from = p.from + (Index)(row - p.row) * p.columns;
  float changes = 0, own = 0;
  for (int c = lane; c < p.columns; c += 32) {
    float x = clipped(gradients + from, scale, c) * factors[p.column + c];
    changes += x * x;
    own += parameters[from + c] * parameters[from + c];
  }
  changes = warpSum(changes);
  own = warpSum(own);
  if (lane == 0) sums[row] = make_float2(changes, own);
}

// rates[p] = the mean of R and the parameter's own rate. A block of 256 threads takes a parameter.
KERNEL void factor_rates(const Factored* factored, const float* moments, const float2* sums, float2* rates,
    const StepScalars* stepScalars, double threshold, int relative, double leastSize) {
  ofReplica(factored, moments, sums, rates, stepScalars);
  Factored p = factored[blockIdx.x];
  double mean = 0, changes = 0, own = 0;
  for (int row = p.row + threadIdx.x; row < p.row + p.rows; row += blockDim.x) {
    mean += moments[row];
    changes += (double)sums[row].x / moments[row];
    own += sums[row].y;
  }
  mean = blockSum(mean) / p.rows;
  double size = (double)p.rows * p.columns;
  double rms = sqrt(mean * blockSum(changes) / size);
  double scale = relative ? fmax(leastSize, sqrt(blockSum(own) / size)) : 1;
  if (threadIdx.x == 0) rates[blockIdx.x] = make_float2((float)mean, (float)(stepScalars->rate * scale / fmax(1.0, rms / threshold)));
}

// The update. A warp takes a row.
KERNEL void adafactor(float* parameters, float* gradients, const float* scale, bf16* copy, const Factored* factored,
    const int* parameterOf, const float* moments, const float* factors, const float2* rates, const StepScalars* stepScalars, int count) {
  ofReplica(parameters, gradients, scale, copy, factored, parameterOf, moments, factors, rates, stepScalars);
  int row = thread() / 32, lane = threadIdx.x % 32;
  if (row >= count) return;
  int which = parameterOf[row];
  Factored p = factored[which];
  float factor = rates[which].y * sqrtf(rates[which].x / moments[row]), keep = stepScalars->keep[p.group];
  Index from = p.from + (Index)(row - p.row) * p.columns;
  for (int c = lane; c < p.columns; c += 32) {
    float x = parameters[from + c] * keep - takeGradient(gradients + from, scale, c) * factors[p.column + c] * factor;
    parameters[from + c] = x;
    if (copy) copy[from + c] = toBf16(x);
  }
}
