# Third-party libraries, each behind one target that only one module links (see torii_module).
# Debian's packages come from the system; Arrow and OpenVINO from the system when found, else from
# the wheels that tools/bootstrap unpacked under .deps/.
set(TORII_DEPS ${CMAKE_SOURCE_DIR}/.deps CACHE PATH "Where tools/bootstrap unpacked the wheels")
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
# Static, hidden and first on the command line: the Parquet library of the wheel carries an OpenSSL of
# its own and exports it, and neither copy may answer for the other. tests/tools checks the result.
set(OPENSSL_USE_STATIC_LIBS TRUE)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
foreach(symbol EVP_MD_CTX_new EVP_MD_CTX_free EVP_DigestInit_ex EVP_DigestUpdate EVP_DigestFinal_ex
        EVP_sha256 EVP_sha1)
  add_link_options(LINKER:--undefined=${symbol})
endforeach()
add_link_options(${OPENSSL_CRYPTO_LIBRARY} LINKER:--exclude-libs,libcrypto.a)
# Only its header: the library is opened at the first request (src/net/libcurl.h). The header is the same
# for every TLS flavour; prometheus-cpp's package insists on OpenSSL's, which nothing here links.
find_library(CURL_LIBRARY NAMES libcurl-gnutls.so.4 REQUIRED)
find_path(CURL_INCLUDE_DIR curl/curl.h REQUIRED)
find_package(ICU REQUIRED COMPONENTS uc i18n)
# Debian's dnnl-config asks for OpenCL, which the CPU engine does not need.
find_library(DNNL_LIBRARY dnnl REQUIRED)
find_path(DNNL_INCLUDE_DIR dnnl.h REQUIRED)
# The OpenMP runtime that Debian builds oneDNN with (whatever compiler builds this project).
find_library(GOMP_LIBRARY NAMES gomp libgomp.so.1 REQUIRED)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
# Only its header: the library is opened when a database is named (src/sql/libpq.h).
pkg_check_modules(LIBPQ REQUIRED libpq)
find_library(LIBPQ_LIBRARY NAMES libpq.so.5 REQUIRED)
# Time zones: from the system's tzdata.
find_library(DATE_TZ_LIBRARY date-tz REQUIRED)
find_path(DATE_INCLUDE_DIR date/tz.h REQUIRED)
# Asio and Beast: headers only.
find_package(Boost 1.74 REQUIRED)
# Its core alone: what counts and writes the text. Its exposer would be a second HTTP server.
find_library(PROMETHEUS_LIBRARY prometheus-cpp-core REQUIRED)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
find_package(ZLIB REQUIRED)
# Linked: it stands on glibc alone (its TLS part is a library of its own, which is not used).
find_library(HIREDIS_LIBRARY hiredis REQUIRED)
find_path(HIREDIS_INCLUDE_DIR hiredis/hiredis.h REQUIRED)
find_package(GTest REQUIRED)

add_library(torii_json INTERFACE)
target_link_libraries(torii_json INTERFACE nlohmann_json::nlohmann_json)
add_library(torii_yaml INTERFACE)
target_link_libraries(torii_yaml INTERFACE yaml-cpp)
add_library(torii_crypto INTERFACE)
target_link_libraries(torii_crypto INTERFACE OpenSSL::Crypto)
add_library(torii_curl INTERFACE)
target_include_directories(torii_curl SYSTEM INTERFACE ${CURL_INCLUDE_DIR})
add_library(torii_icu INTERFACE)
target_link_libraries(torii_icu INTERFACE ICU::uc)
add_library(torii_dnnl INTERFACE)
target_link_libraries(torii_dnnl INTERFACE ${DNNL_LIBRARY} ${GOMP_LIBRARY})
add_library(torii_date INTERFACE)
target_link_libraries(torii_date INTERFACE ${DATE_TZ_LIBRARY})
add_library(torii_sqlite INTERFACE)
target_link_libraries(torii_sqlite INTERFACE PkgConfig::SQLITE)
add_library(torii_http INTERFACE)
target_link_libraries(torii_http INTERFACE Boost::headers ${PROMETHEUS_LIBRARY} PkgConfig::SODIUM
                      ZLIB::ZLIB)
add_library(torii_hiredis INTERFACE)
target_include_directories(torii_hiredis SYSTEM INTERFACE ${HIREDIS_INCLUDE_DIR})
target_link_libraries(torii_hiredis INTERFACE ${HIREDIS_LIBRARY})
add_library(torii_cli11 INTERFACE)
target_link_libraries(torii_cli11 INTERFACE CLI11::CLI11)

# A library of a wheel as an imported target; headers count as system headers.
function(torii_wheel_library target file include)
  if(NOT EXISTS ${file})
    message(FATAL_ERROR "${file} is missing: run tools/bootstrap first")
  endif()
  add_library(${target} SHARED IMPORTED)
  set_target_properties(${target} PROPERTIES IMPORTED_LOCATION ${file}
                        INTERFACE_INCLUDE_DIRECTORIES ${include})
endfunction()

find_package(Arrow CONFIG QUIET)
find_package(Parquet CONFIG QUIET)
add_library(torii_arrow INTERFACE)
add_library(torii_arrow_s3 INTERFACE) # its file systems, with the S3 client
if(Arrow_FOUND AND Parquet_FOUND)
  message(STATUS "Arrow: ${Arrow_VERSION} from the system")
  target_link_libraries(torii_arrow INTERFACE Arrow::arrow_shared Parquet::parquet_shared)
  target_link_libraries(torii_arrow_s3 INTERFACE Arrow::arrow_shared) # a part of it there
  set(TORII_ARROW_LIBRARIES "")
  find_package(ArrowFlight CONFIG QUIET)
  if(ArrowFlight_FOUND)
    add_library(torii_arrow_flight INTERFACE)
    target_link_libraries(torii_arrow_flight INTERFACE ArrowFlight::arrow_flight_shared
                          Arrow::arrow_shared)
  endif()
else()
  message(STATUS "Arrow: from ${TORII_DEPS}/pyarrow")
  set(arrow ${TORII_DEPS}/pyarrow/pyarrow)
  file(GLOB arrow_core ${arrow}/libarrow.so.*)
  file(GLOB arrow_parquet ${arrow}/libparquet.so.*)
  file(GLOB arrow_s3 ${arrow}/libarrow_s3.so.*)
  file(GLOB arrow_flight ${arrow}/libarrow_flight.so.*)
  torii_wheel_library(torii_arrow_core "${arrow_core}" ${arrow}/include)
  torii_wheel_library(torii_arrow_parquet "${arrow_parquet}" ${arrow}/include)
  torii_wheel_library(torii_arrow_s3_client "${arrow_s3}" ${arrow}/include)
  target_link_libraries(torii_arrow INTERFACE torii_arrow_parquet torii_arrow_core)
  target_link_libraries(torii_arrow_s3 INTERFACE torii_arrow_s3_client torii_arrow_core)
  torii_wheel_library(torii_arrow_flight_client "${arrow_flight}" ${arrow}/include)
  add_library(torii_arrow_flight INTERFACE)
  target_link_libraries(torii_arrow_flight INTERFACE torii_arrow_flight_client torii_arrow_core)
  set(TORII_ARROW_LIBRARIES ${arrow_core} ${arrow_parquet} ${arrow_s3}
      ${arrow_flight})
endif()

find_package(OpenVINO CONFIG QUIET COMPONENTS Runtime)
add_library(torii_openvino INTERFACE)
if(OpenVINO_FOUND)
  message(STATUS "OpenVINO: ${OpenVINO_VERSION} from the system")
  target_link_libraries(torii_openvino INTERFACE openvino::runtime)
  set(TORII_OPENVINO_LIBRARIES "")
else()
  message(STATUS "OpenVINO: from ${TORII_DEPS}/openvino")
  set(openvino ${TORII_DEPS}/openvino/openvino)
  file(GLOB openvino_core ${openvino}/libs/libopenvino.so.*)
  torii_wheel_library(torii_openvino_core "${openvino_core}" ${openvino}/include)
  target_link_libraries(torii_openvino INTERFACE torii_openvino_core)
  file(GLOB TORII_OPENVINO_LIBRARIES ${openvino}/libs/libopenvino.so.* ${openvino}/libs/libtbb.so.*
       ${openvino}/libs/libopenvino_intel_cpu_plugin.so ${openvino}/libs/libhwloc.so.*
       ${openvino}/libs/libtbbbind*.so.*)
endif()

# Headers only, from the source package that tools/bootstrap unpacked.
if(NOT EXISTS ${TORII_DEPS}/hnswlib/hnswlib/hnswlib.h)
  message(FATAL_ERROR "${TORII_DEPS}/hnswlib is missing: run tools/bootstrap first")
endif()
add_library(torii_hnswlib INTERFACE)
target_include_directories(torii_hnswlib SYSTEM INTERFACE ${TORII_DEPS}/hnswlib)
