create database spicedb;
