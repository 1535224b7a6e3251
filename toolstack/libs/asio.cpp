// SPDX-License-Identifier: Apache-2.0
// All of Boost.Asio that is no template, compiled once (BOOST_ASIO_SEPARATE_COMPILATION) instead of in every
// file.
#include <boost/asio/impl/src.hpp>
