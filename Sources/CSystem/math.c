#include "CSystem.h"
#include <math.h>

double sinew_sin(double x) { return sin(x); }
double sinew_cos(double x) { return cos(x); }
double sinew_atan2(double y, double x) { return atan2(y, x); }
double sinew_sqrt(double x) { return sqrt(x); }
double sinew_exp(double x) { return exp(x); }
double sinew_log(double x) { return log(x); }
double sinew_tanh(double x) { return tanh(x); }
double sinew_floor(double x) { return floor(x); }
double sinew_round(double x) { return round(x); }
double sinew_pow(double x, double y) { return pow(x, y); }
double sinew_erf(double x) { return erf(x); }
